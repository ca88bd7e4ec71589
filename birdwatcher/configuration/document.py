"""The files that show every setting: `systemd/birdwatcher.env` and `docs/configure.md`.

`python -m birdwatcher.configuration.document` writes them anew.
"""

import textwrap

from birdwatcher.configuration.config import BASE_DIR, SETTINGS, STATE_DIR
from birdwatcher.configuration.sources import ENV_FILE
from nodeproc.setting import Change, Setting

WIDTH = 100
CREDENTIALS = "/etc/birdwatcher/credentials"
HEAD = f"""\
# Configuration of Birdwatcher. The lines that begin with # show the defaults.
#
# After a change: systemctl reload birdwatcher birdwatcher-web (or restart, which applies every
# change). The journal and every command, such as `birdwatcher check`, report a mistake in here.
# Everybody may read this file. Put a secret into a file named like its variable in
# {CREDENTIALS}; a new secret takes a restart.
"""
EXAMPLE = BASE_DIR / "systemd" / "birdwatcher.env"
PAGE = BASE_DIR / "docs" / "configure.md"
TABLE = """\
| variable | default | meaning | secret | a change takes |
| --- | --- | --- | --- | --- |
"""


def render_example() -> str:
    """Return the text of the environment file, which sets nothing."""
    # The file cannot name itself.
    return "\n".join([HEAD, *(_paragraph(each) for each in SETTINGS if each.name != ENV_FILE)])


def _paragraph(setting: Setting) -> str:
    text = setting.meaning
    if setting.secret:
        text += f" Secret: put it into {CREDENTIALS}/{setting.name}."
    if setting.name == STATE_DIR:
        text += " The services set it; a value here has no effect."
    lines = textwrap.wrap(text, WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    return "\n".join([*(f"# {line}" for line in lines), f"#{setting.name}={setting.shown}\n"])


def render_page(text: str) -> str:
    """Return `text`, the present page, with a new table at its end."""
    return text.partition(TABLE)[0] + TABLE + "".join(map(_row, SETTINGS))


def _row(setting: Setting) -> str:
    default = f"`{setting.shown}`" if setting.shown else ""
    secret = "yes" if setting.secret else ""
    change = Change.RESTART if setting.secret else setting.change
    return f"| `{setting.name}` | {default} | {setting.meaning} | {secret} | {change.value} |\n"


if __name__ == "__main__":
    EXAMPLE.write_text(render_example(), encoding="utf-8")
    PAGE.write_text(render_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

"""The text of `systemd/birdwatcher.env`: every variable, its meaning and its default.

python -m birdwatcher.configuration.env_example >systemd/birdwatcher.env
"""

import sys
import textwrap
from typing import Any

from birdwatcher.configuration.environment import Variable
from birdwatcher.configuration.variables import ENV_FILE, STATE_DIR, VARIABLES

WIDTH = 100
CREDENTIALS = "/etc/birdwatcher/credentials"
HEAD = f"""\
# Configuration of Birdwatcher. A line that begins with # says what holds without it.
#
# After a change: systemctl reload birdwatcher birdwatcher-web (or restart, after which everything
# counts). What is wrong here, the journal says, and every command, such as `birdwatcher check`.
# Everybody may read this file. A secret is a file named like its variable in {CREDENTIALS},
# and takes a restart.
"""


def render() -> str:
    """Return the text of the file."""
    # The file cannot name itself.
    paragraphs = [_paragraph(variable) for variable in VARIABLES if variable is not ENV_FILE]
    return "\n".join([HEAD, *paragraphs])


def _paragraph(variable: Variable[Any]) -> str:
    text = variable.meaning
    if variable.secret:
        text += f" Secret: belongs into {CREDENTIALS}/{variable.name}."
    if variable is STATE_DIR:
        text += " The services set it; without effect here."
    lines = textwrap.wrap(text, WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    return "\n".join([*(f"# {line}" for line in lines), f"#{variable.name}={variable.default}\n"])


if __name__ == "__main__":
    sys.stdout.write(render())

"""The environment of the demonstration and of all its parts."""

from collections.abc import Mapping
from pathlib import Path

STATE_DIR = "BIRDWATCHER_STATE_DIR"
ADMIN_PASSWORD = "BIRDWATCHER_ADMIN_PASSWORD"  # noqa: S105 the name of a variable


def complete(environ: Mapping[str, str], configured: Path, default: Path) -> dict[str, str]:
    """Return `environ` with what the demonstration adds and takes away.

    configured: the absolute path of the state directory in force, kept if `environ` names one.
    default: the demonstration's own state directory.
    """
    complete = dict(environ)
    # The demonstration resets the password of `admin`: never on the database of a real installation
    # that the shell happens to be set up for.
    complete.pop("DATABASE_URL", None)
    complete[STATE_DIR] = str(configured if environ.get(STATE_DIR, "").strip() else default)
    # For the demonstration alone, which nobody outside this computer can reach: a key is made up,
    # and pages are served without a web server beside them.
    complete.setdefault("BIRDWATCHER_DEBUG", "1")
    return complete


def for_parts(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the parts, which have no business with the password."""
    parts = {name: value for name, value in environ.items() if name != ADMIN_PASSWORD}
    # Their logs are read while they run.
    return parts | {"PYTHONUNBUFFERED": "1"}

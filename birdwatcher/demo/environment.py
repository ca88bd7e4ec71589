"""The environment variables of the demonstration and of its parts."""

from collections.abc import Mapping
from pathlib import Path

STATE_DIR = "BIRDWATCHER_STATE_DIR"
ADMIN_PASSWORD = "BIRDWATCHER_ADMIN_PASSWORD"  # noqa: S105 the name of a variable


def complete(environ: Mapping[str, str], configured: Path, default: Path) -> dict[str, str]:
    """Return `environ` with the changes for the demonstration.

    configured: the absolute path of the state directory in force, kept if `environ` names one.
    default: the demonstration's own state directory.
    """
    complete = dict(environ)
    # The demonstration resets the password of `admin`. It must never do that in the database of a
    # real installation for which the shell happens to be set up.
    complete.pop("DATABASE_URL", None)
    complete[STATE_DIR] = str(configured if environ.get(STATE_DIR, "").strip() else default)
    # Generates a secret key, and serves pages without a web server in front. The demonstration
    # cannot be reached from other computers.
    complete.setdefault("BIRDWATCHER_DEBUG", "1")
    return complete


def for_parts(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the parts, without the password: they do not need it."""
    parts = {name: value for name, value in environ.items() if name != ADMIN_PASSWORD}
    # So that their logs can be read while they run.
    return parts | {"PYTHONUNBUFFERED": "1"}

"""The secret key when none is configured."""

import contextlib
import os
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

MISSING = (
    "BIRDWATCHER_SECRET_KEY is not set: set it to at least 50 random characters, which "
    "`python3 -c 'import secrets; print(secrets.token_urlsafe(50))'` makes (or set "
    "BIRDWATCHER_DEBUG=1 on your own machine)."
)


def find_secret_key(state_dir: Path, debug: bool) -> str:
    """Return the key that is kept in `state_dir`; make one if there is none.

    Raises ImproperlyConfigured, one sentence, without `debug`, or if the key cannot be kept.
    """
    if not debug:
        raise ImproperlyConfigured(MISSING)
    path = state_dir / "secret_key"
    try:
        if not path.exists():
            _keep_new_key(path)
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ImproperlyConfigured(
            f"The secret key cannot be kept in {str(path)!r}: {reason}."
        ) from None
    if not key:
        raise ImproperlyConfigured(f"{str(path)!r} is empty, but must hold the key: remove it.")
    return key


def _keep_new_key(path: Path) -> None:
    """Write a new key to `path`, unless another process was first."""
    # Several processes may start at once, and none may read a key that is still being written. So
    # write another file and link it; link() fails if `path` exists.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix="secret_key.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(get_random_secret_key() + "\n")
        with contextlib.suppress(FileExistsError):
            Path(path).hardlink_to(name)
    finally:
        Path(name).unlink()

"""Where the secret key comes from."""

from __future__ import annotations

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
    """Return the key that is kept in `state_dir`, if `debug` allows that.

    Raises ImproperlyConfigured, one sentence, if it does not, or the key cannot be kept.
    """
    if debug:
        return _kept(state_dir / "secret_key")
    raise ImproperlyConfigured(MISSING)


def _kept(path: Path) -> str:
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
    # Written elsewhere and then linked, not opened in place: several processes may start at once,
    # and none may read a file whose key is still being written. link() fails if `path` exists.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix="secret_key.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(get_random_secret_key() + "\n")
        with contextlib.suppress(FileExistsError):
            Path(path).hardlink_to(name)
    finally:
        Path(name).unlink()

"""The name of a daemon that stays the same for as long as its state directory does."""

import contextlib
import os
import secrets
import socket
from pathlib import Path

FILE = "daemon.id"
LENGTH = 32  # characters
MAX_LENGTH = 64  # as in the database


def instance_of(state_dir: Path) -> str:
    """Return the name that is kept in `state_dir`; make one if there is none.

    Where none can be kept, such as on a full disk, it is made of the host and the path.
    """
    path = state_dir / FILE
    with contextlib.suppress(OSError, UnicodeError):
        if not path.exists():
            made = path.with_name(f"{FILE}.{os.getpid()}")
            made.write_text(secrets.token_hex(LENGTH // 2))
            made.replace(path)
        if found := path.read_text().strip():
            return found[:MAX_LENGTH]
    return f"{socket.gethostname()}:{state_dir}"[-MAX_LENGTH:]

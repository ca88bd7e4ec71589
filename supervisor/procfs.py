"""What the kernel knows of a process, in one reading."""

import os

STAT_BYTES = 1024  # more than the file ever has
STATE = 0  # the place of the process's state, a letter


def stat_of(pid: int) -> list[bytes]:
    """Return the fields of /proc/<pid>/stat from the third on: those after the process's name,
    which may hold anything (proc(5)). Return none if there is no such process."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(descriptor, STAT_BYTES).rpartition(b") ")[2].split()
        finally:
            os.close(descriptor)
    except OSError:  # it has ended, before or meanwhile; or no descriptor is left
        return []

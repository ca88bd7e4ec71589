"""The lock of a file, which the kernel frees when the process ends, however that is."""

import fcntl


def try_lock(descriptor: int) -> bool:
    """Lock an open file, or directory, for this process alone; return False if another has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

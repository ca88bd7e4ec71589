"""The three standard streams, which a process must have."""

import io
import os
import sys


def open_missing() -> None:
    """Lead those of the descriptors 0, 1 and 2 that are closed to /dev/null.

    Call it before anything else is opened: a pipe or a database with such a number would be taken
    for a stream, and closed or written to by those who know only the streams.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
        os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            mode = "r" if number == 0 else "w"
            stream = io.TextIOWrapper(
                os.fdopen(number, f"{mode}b", buffering=0, closefd=False), write_through=True
            )
            setattr(sys, name, stream)

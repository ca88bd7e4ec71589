"""The author of what happens now: whoever sent the request, or whoever runs the command.

Kept beside the calls, so that every change is recorded with it, however deep it is made.
"""

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

COMMAND_LINE = "command line"


class Author(NamedTuple):
    """A person by name and key, the token with which a program acts for them, and an address.

    `user` is None for the command line, whose `name` has the system's user, and for strangers.
    """

    name: str
    user: int | None = None
    address: str = ""
    token: str = ""


_acting: ContextVar[Callable[[], Author] | None] = ContextVar("acting", default=None)


@contextmanager
def acting(author: Callable[[], Author]) -> Iterator[None]:
    """Take what is recorded in the block as done by `author()`, called for each entry.

    A request knows its user only after it has been authenticated, so it is asked late.
    """
    before = _acting.set(author)
    try:
        yield
    finally:
        _acting.reset(before)


def author() -> Author:
    """Return the author of what happens now."""
    known = _acting.get()
    return known() if known else Author(f"{COMMAND_LINE}: {_system_user()}")


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return "?"

"""The messages that docs/troubleshooting.md quotes are messages that the program prints."""

import ast
import errno
import functools
import os
import re
from collections.abc import Iterator

from tests.support import documents
from tests.support.processes import ROOT

PAGE = "docs/troubleshooting.md"
ROW = re.compile(r"^\| ([^|]+) \|", re.MULTILINE)  # its first cell: the symptom
FILLED_IN = re.compile(r"%[-.\w]*[a-z]|…|'|\d+(?:[.:]\d+)*")  # what differs from case to case
SHORTEST = 5  # characters of a piece that says something
# The words of the system and of SQLite.
OTHERS = [
    *(os.strerror(getattr(errno, name)).lower() for name in dir(errno) if name[0] == "E"),
    "database is locked",
    "database or disk is full",
]


@functools.cache
def printed() -> str:
    """Return every text in the program's code, one a line, without what is filled in."""
    texts = list(OTHERS)
    for room in ("birdwatcher", "nodeproc", "supervisor"):
        for path in (ROOT / room).rglob("*.py"):
            texts += _texts(ast.parse(path.read_text()))
    return "\n".join(FILLED_IN.sub("\0", text) for text in texts)


def _texts(tree: ast.Module) -> Iterator[str]:
    for part in ast.walk(tree):
        if isinstance(part, ast.JoinedStr):
            values = (getattr(value, "value", None) for value in part.values)
            yield "\0".join(value if isinstance(value, str) else "" for value in values)
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def pieces_of(message: str) -> list[str]:
    """Return what stands between the parts of a message that differ from case to case."""
    pieces = (piece.strip(" .;,:") for piece in re.split(r"[;:]|" + FILLED_IN.pattern, message))
    return [piece for piece in pieces if len(piece) >= SHORTEST]


def test_the_messages_are_printed() -> None:
    table = documents.prose_of(documents.text_of(PAGE))
    messages = [code for cell in ROW.findall(table) for code in documents.code_of(cell)]
    quoted = [message for message in messages if " " in message and "://" not in message]
    assert len(quoted) > 25
    for message in quoted:
        for piece in pieces_of(message):
            assert piece in printed(), f"{PAGE} quotes {message!r}, but nothing prints {piece!r}"

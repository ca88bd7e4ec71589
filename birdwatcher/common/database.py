"""What the rooms ask of a database beside Django's own interface."""

from __future__ import annotations


def first_line(error: Exception) -> str:
    """Return the first line of a database's message; the other lines repeat the statement."""
    text = str(error).encode(errors="backslashreplace").decode()  # a path may be of any bytes
    return (text.strip() or type(error).__name__).splitlines()[0]

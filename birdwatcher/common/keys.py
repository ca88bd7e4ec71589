"""Keys of rows, as addresses and forms have them."""

from __future__ import annotations

BIGGEST_KEY = 2**63 - 1
LONGEST = 18  # digits; the largest key that a database has is longer


def only_digits(text: str) -> bool:
    """Whether a text is a whole number; int() also takes 1_0, and digits of other scripts."""
    return text.isascii() and text.isdecimal()


def key_in(text: str) -> int | None:
    """Return the key that `text` is, None if it is none."""
    return int(text) if only_digits(text) and len(text) <= LONGEST else None

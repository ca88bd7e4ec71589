"""Keys of rows, as addresses and forms have them."""

from __future__ import annotations

LONGEST = 18  # digits; the largest key that a database has is longer


def key_in(text: str) -> int | None:
    """Return the key that `text` is, None if it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST else None

r"""The one rule for characters: which texts can be kept, and how any text is shown safely.

A name is whatever a peer sends. If both databases can hold it (`is_storable`), it is kept exactly.
Where a text is *shown* outside a page (log, process title, terminal, CSV), and where people
*choose* one (names of nodes and tokens), the characters of `UNPRINTABLE` matter: those that end a
line, control a terminal, turn the direction of writing, or cannot be seen at all.

Not among them are the two joiners (U+200C, U+200D), which Persian and emoji need, and spaces of any
width, which show as such.
"""

import re

MAX_TEXT = 255  # characters of a name, as in the database

# PostgreSQL keeps no NUL, and UTF-8 has no surrogates.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

# The inside of a character class, as re, JSON Schema and a browser's `pattern` all understand it:
# controls, soft hyphen, marks of direction, zero-width space, separators of lines and paragraphs,
# invisible operators, byte order mark, annotations.
UNPRINTABLE = (
    r"\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    r"\ufff9-\ufffb"
)
# Unicode's invisible characters beyond the first plane: shorthand, musical, tags.
_UNPRINTABLE = re.compile(
    rf"[{UNPRINTABLE}\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)


def is_storable(text: str) -> bool:
    """Whether both databases can hold `text`."""
    # Nearly every text is printable in Python's sense; NUL and surrogates are not.
    return text.isprintable() or not _UNSTORABLE.search(text)


def printable(text: str) -> str:
    r"""Return `text` with its unprintable characters escaped, as `\n`, `\x1b` or `\u202e`."""
    return text if text.isprintable() else _UNPRINTABLE.sub(_escaped, text)


def printable_json(text: str) -> str:
    r"""Return JSON with the unprintable characters of its strings escaped: the same value."""
    return text if text.isprintable() else _UNPRINTABLE.sub(_escaped_in_json, text)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def _escaped_in_json(match: re.Match[str]) -> str:
    return "".join(f"\\u{unit:04x}" for unit in _utf16(match[0]))


def _utf16(character: str) -> memoryview:
    """Return the code units of UTF-16, in the machine's byte order."""
    return memoryview(character.encode("utf-16", "surrogatepass")[2:]).cast("H")

"""Show the bytes of a rejected packet safely, as text and as a hex dump."""

COLUMNS = 16


def as_text(raw: bytes) -> str:
    r"""Return `raw` decoded as UTF-8, on one line, with invisible characters escaped.

    Bytes that are not UTF-8 appear as `\xff`, unprintable characters (controls, line breaks, marks
    that change the direction of writing) as `\n` or `\u202e`, and a backslash as two.
    """
    text = raw.decode(errors="surrogateescape")
    return "".join(character if _is_plain(character) else _escaped(character) for character in text)


def as_hex(raw: bytes) -> str:
    """Return lines of an offset, sixteen bytes in hexadecimal, and these as ASCII."""
    width = 3 * COLUMNS - 1
    lines = []
    for offset in range(0, len(raw), COLUMNS):
        part = raw[offset : offset + COLUMNS]
        ascii_text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)
        lines.append(f"{offset:04x}  {part.hex(' '):{width}}  {ascii_text}")
    return "\n".join(lines)


def _is_plain(character: str) -> bool:
    return character.isprintable() and character != "\\"


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()

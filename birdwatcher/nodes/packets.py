"""Show the bytes of a rejected packet safely, as text and as a hex dump."""

from nodeproc.text import printable

COLUMNS = 16


def as_text(raw: bytes) -> str:
    r"""Return `raw` decoded as UTF-8, on one line, with invisible characters escaped.

    Bytes that are not UTF-8 appear as `\xff`, unprintable characters (controls, line breaks, marks
    that change the direction of writing) as `\n` or `\u202e`, and a backslash as two.
    """
    text = raw.replace(b"\\", b"\\\\").decode(errors="backslashreplace")
    return printable(text)


def as_hex(raw: bytes) -> str:
    """Return lines of an offset, sixteen bytes in hexadecimal, and these as ASCII."""
    width = 3 * COLUMNS - 1
    lines = []
    for offset in range(0, len(raw), COLUMNS):
        part = raw[offset : offset + COLUMNS]
        ascii_text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)
        lines.append(f"{offset:04x}  {part.hex(' '):{width}}  {ascii_text}")
    return "\n".join(lines)

"""Text that cannot break out of its line."""

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)}


def printable(text: str) -> str:
    """Return `text` with control characters escaped, so that no name can forge a line."""
    return text if text.isprintable() else text.translate(_CONTROLS)

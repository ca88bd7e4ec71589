"""Keys of rows and other whole numbers, as addresses and forms contain them."""

BIGGEST_KEY = 2**63 - 1
LONGEST = 19  # digits


def only_digits(text: str) -> bool:
    """Return whether `text` is a whole number; int() also accepts 1_0 and other digits."""
    return text.isascii() and text.isdecimal()


def number_in(text: str) -> int | None:
    """Return the whole number in `text`; None without one, or if no key is so large."""
    if not only_digits(text) or len(text) > LONGEST:
        return None
    key = int(text)
    return key if key <= BIGGEST_KEY else None

"""Parsers of variables. They raise ValueError with what is allowed, such as "1 or 0"."""

import re
import zoneinfo
from collections.abc import Callable

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})
# Characters that mean the same in an address with and without percent-encoding (RFC 3986, 2.3).
# Browsers and proxies resolve a part of points only.
PATH_PREFIX = re.compile(r"(/(?!\.+(/|$))[A-Za-z0-9._~-]+)*")


def boolean(text: str) -> bool:
    """Return whether `text` is 1, yes, true or on, and not 0, no, false or off."""
    word = text.lower()
    if word in TRUE_WORDS | FALSE_WORDS:
        return word in TRUE_WORDS
    raise ValueError("1 or 0")


def words(text: str) -> list[str]:
    """Return the words that commas separate."""
    return [word for word in (part.strip() for part in text.split(",")) if word]


def path_prefix(text: str) -> str:
    """Return a path without a `/` at its end: empty for the root."""
    path = text.rstrip("/")
    if PATH_PREFIX.fullmatch(path):
        return path
    raise ValueError("a path such as /birdwatcher, of letters, digits and the characters - . _ ~")


def time_zone(text: str) -> str:
    """Return the name of a time zone that this system knows."""
    try:
        return zoneinfo.ZoneInfo(text).key
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise ValueError("the name of a time zone, such as UTC or Europe/London") from None


def choice(*allowed: str) -> Callable[[str], str]:
    """Return a parser that accepts one of the words in `allowed`, in capitals or not."""
    by_folded = {word.casefold(): word for word in allowed}

    def parse(text: str) -> str:
        try:
            return by_folded[text.casefold()]
        except KeyError:
            raise ValueError(f"one of {', '.join(allowed)}") from None

    return parse

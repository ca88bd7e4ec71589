"""Reading one environment variable: its name, its default, its meaning, and what it may hold.

Nothing here knows Birdwatcher's variables; they are listed in `variables`.
"""

from __future__ import annotations

import math
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True)
class Variable(Generic[T]):
    """One variable of the environment.

    `default` is what the documentation shows, and is read like a value that was set. `parse` turns
    the text into a value, or raises ValueError with what is allowed ("a whole number from 2 to 9").
    A `secret` has no place in a file that others may read.
    """

    name: str
    default: str
    meaning: str
    parse: Callable[[str], T]
    secret: bool = False

    def given(self, environ: Mapping[str, str]) -> T | None:
        """Return the value that is set, or None; a variable set to nothing counts as not set.

        Raises ImproperlyConfigured, one sentence, if the value is not allowed.
        """
        text = environ.get(self.name, "").strip()
        if not text:
            return None
        try:
            return self.parse(text)
        except ValueError as error:
            raise ImproperlyConfigured(f"{self.name} is {text!r}, but must be {error}.") from None

    def read(self, environ: Mapping[str, str]) -> T:
        """Return the value that is set, or the default. Raises ImproperlyConfigured as `given`."""
        value = self.given(environ)
        return self.parse(self.default) if value is None else value


def text(value: str) -> str:
    """Any text."""
    return value


def boolean(value: str) -> bool:
    """1 or 0, also spelled yes/no, true/false, on/off."""
    word = value.lower()
    if word in TRUE_WORDS | FALSE_WORDS:
        return word in TRUE_WORDS
    raise ValueError("1 or 0")


def words(value: str) -> list[str]:
    """Words with commas between them."""
    return [word for word in (part.strip() for part in value.split(",")) if word]


def time_zone(value: str) -> str:
    """The name of a time zone that this system knows."""
    try:
        return zoneinfo.ZoneInfo(value).key
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise ValueError("the name of a time zone, such as UTC or Europe/London") from None


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """Return a parser of whole numbers from `low` to `high`."""

    def parse(value: str) -> int:
        if value.isascii() and value.isdigit() and len(value) < 20 and low <= int(value) <= high:
            return int(value)
        raise ValueError(f"a whole number from {low} to {high}")

    return parse


def number(low: float, high: float) -> Callable[[str], float]:
    """Return a parser of numbers from `low` to `high`."""

    def parse(value: str) -> float:
        try:
            result = float(value)
        except ValueError:
            result = math.nan
        if low <= result <= high:
            return result
        raise ValueError(f"a number from {low:g} to {high:g}")

    return parse


def choice(*allowed: str) -> Callable[[str], str]:
    """Return a parser that accepts one of the words in `allowed`, in capitals or not."""
    by_folded = {word.casefold(): word for word in allowed}

    def parse(value: str) -> str:
        try:
            return by_folded[value.casefold()]
        except KeyError:
            raise ValueError(f"one of {', '.join(allowed)}") from None

    return parse

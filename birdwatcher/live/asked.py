"""Reading what the address of a WebSocket asks for. Every function raises NonsenseError."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import parse_qs

from birdwatcher.common.keys import BIGGEST_KEY, only_digits
from birdwatcher.feed.cursor import Kept
from birdwatcher.live.consumer import NonsenseError

MOST_FIELDS = 200
MOST_VALUES = 100  # of one parameter
Parameters = Mapping[str, Sequence[str]]


def parameters_of(query: bytes) -> Parameters:
    """Return the parameters, each with all its values."""
    try:
        return parse_qs(query.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise NonsenseError("The address cannot be read.") from None


def only(given: Parameters, names: Iterable[str]) -> None:
    """Check that there are no others."""
    for name in given:
        if name not in names:
            raise NonsenseError(f"There is no parameter {name[:20]!r}.")


def key_in(name: str, text: str) -> int:
    """Return a value of the parameter `name` as a key."""
    if not (only_digits(text) and len(text) < 20 and int(text) <= BIGGEST_KEY):
        raise NonsenseError(f"{name} must be an id, a whole number.")
    return int(text)


def values(given: Parameters, name: str) -> list[str]:
    """Return the values of a parameter that may be repeated, and have commas between several."""
    found = [value.strip() for text in given.get(name, ()) for value in text.split(",")]
    if not all(found):
        raise NonsenseError(f"{name} is empty.")
    if not all(map(str.isprintable, found)):
        raise NonsenseError(f"{name} has control characters.")
    if len(found) > MOST_VALUES:
        raise NonsenseError(f"{name} may have {MOST_VALUES} values at most.")
    return found


def kept(given: Parameters, name: str) -> Kept | None:
    """Return a place among the deletions, as the server itself told it."""
    if name not in given:
        return None
    try:
        return Kept.parse(given[name][-1])
    except ValueError:
        raise NonsenseError(f"{name} must be what a heartbeat told as deletions.") from None

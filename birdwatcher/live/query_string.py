"""Parses the query string of a WebSocket. Every function raises QueryError."""

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import parse_qs

from birdwatcher.common.keys import number_in
from birdwatcher.feed.cursor import DeletionToken
from nodeproc.text import is_storable

MOST_FIELDS = 200
MOST_VALUES = 100  # of one parameter
Parameters = Mapping[str, Sequence[str]]


class QueryError(Exception):
    """The query string makes no sense; the message is a short sentence for the client."""


def parse(query: bytes) -> Parameters:
    """Return the parameters, each with all its values."""
    try:
        return parse_qs(query.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise QueryError("The address cannot be read.") from None


def check_names(given: Parameters, names: Iterable[str]) -> None:
    """Check that no other parameters are given."""
    for name in given:
        if name not in names:
            raise QueryError(f"There is no parameter {name[:20]!r}.")


def parse_key(name: str, text: str) -> int:
    """Return the value `text` of the parameter `name` as a key."""
    key = number_in(text)
    if key is None:
        raise QueryError(f"{name} must be an id, a whole number.")
    return key


def values(given: Parameters, name: str, *, whole: bool = False) -> list[str]:
    """Return the values of a parameter that may be repeated, and may hold several with commas.

    With `whole`, a comma is part of a value, and so are spaces.
    """
    texts = given.get(name, ())
    found = list(texts) if whole else [it.strip() for text in texts for it in text.split(",")]
    if not all(found):
        raise QueryError(f"{name} is empty.")
    if not all(map(is_storable, found)):
        raise QueryError(f"{name} has a null character.")
    if len(found) > MOST_VALUES:
        raise QueryError(f"{name} may have {MOST_VALUES} values at most.")
    return found


def deletion_token(given: Parameters, name: str) -> DeletionToken | None:
    """Return the token that a heartbeat sent as `deletions`, None without the parameter."""
    if name not in given:
        return None
    try:
        return DeletionToken.parse(given[name][-1])
    except ValueError:
        raise QueryError(f"{name} must be what a heartbeat told as deletions.") from None

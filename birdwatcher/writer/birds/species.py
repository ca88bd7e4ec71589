"""The keys of species by name, remembered, so that a commit need not ask for them."""

from collections.abc import Iterable

from birdwatcher.birds.species import named

MAX_REMEMBERED = 100_000


class SpeciesKeys:
    """Remembers only what the database holds: call `forget` after any error."""

    def __init__(self) -> None:
        self._keys: dict[str, int] = {}

    def forget(self) -> None:
        """Ask the database for everything again."""
        self._keys = {}

    def has(self, names: Iterable[str]) -> bool:
        """Whether all of `names` are known, so that `of` would not ask the database."""
        return all(name in self._keys for name in names)

    def of(self, names: set[str]) -> dict[str, int]:
        """Return keys by name, at least of all of `names`; species that are new are made.

        Raises django.db.Error.
        """
        unknown = names - self._keys.keys()
        if unknown and len(self._keys) > MAX_REMEMBERED:
            self._keys, unknown = {}, names
        if unknown:
            self._keys.update((name, row.pk) for name, row in named(unknown).items())
        return self._keys

"""The keys of species by name, as they were last seen."""

from collections.abc import Collection

from birdwatcher.birds.models import Species
from birdwatcher.birds.species import named
from birdwatcher.common.database import engine
from birdwatcher.common.database.tables import Named

MAX_REMEMBERED = 100_000


class SpeciesKeys:
    """Remembers keys, so that a small commit need not ask for them first.

    People rename, merge and delete species while the daemon runs. So what is remembered is never
    relied on: the transaction that uses it compares it with the table (`Engine.commit_few`).
    """

    def __init__(self) -> None:
        self._keys: dict[str, int] = {}

    def forget(self) -> None:
        """Remember nothing: it was out of date."""
        self._keys = {}

    def has(self, names: Collection[str]) -> bool:
        """Whether all of `names` are remembered."""
        return all(name in self._keys for name in names)

    def remembered(self, names: Collection[str]) -> Named:
        """Return what is remembered of `names`, all of which it has, to be compared."""
        return Named(Species, "name", {name: self._keys[name] for name in names})

    def held(self, names: Collection[str]) -> dict[str, int]:
        """Return the keys of those of `names` that exist, true until the end of the transaction.

        Raises django.db.Error.
        """
        return self._remember(engine().hold_named(Species, "name", names))

    def of(self, names: Collection[str]) -> dict[str, int]:
        """Return the keys of `names`, true until the end of the transaction; see `named`."""
        return self._remember(named(names))

    def _remember(self, found: dict[str, int]) -> dict[str, int]:
        if len(self._keys) + len(found) > MAX_REMEMBERED:
            self._keys = {}
        self._keys.update(found)
        return found

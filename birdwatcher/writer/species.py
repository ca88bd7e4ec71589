"""The keys of the species, by name, so that a commit need not ask for those it met before."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import IntegrityError

from birdwatcher.birds.models import Species

MAX_REMEMBERED = 100_000


class SpeciesKeys:
    """A memory that only ever holds what the database holds: after any error it is to `forget`."""

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
        unknown = sorted(names - self._keys.keys())
        if unknown and len(self._keys) > MAX_REMEMBERED:
            self._keys, unknown = {}, sorted(names)
        if unknown:
            Species.objects.bulk_create(
                [Species(name=name) for name in unknown], ignore_conflicts=True
            )
            found = Species.objects.in_bulk(unknown, field_name="name")
            if len(found) < len(unknown):
                raise IntegrityError("a species was deleted while it was being used")
            self._keys.update((name, row.pk) for name, row in found.items())
        return self._keys

"""Species by their names, made when the first bird names them."""

from collections.abc import Collection

from django.conf import settings
from django.db import IntegrityError

from birdwatcher.birds.models import Species
from birdwatcher.common.database import engine
from birdwatcher.common.database.tables import Target

SPECIES = Target(Species, ("name",))
TRIES = 3  # somebody may rename or delete a species in the moment after it was found to be there


def named(names: Collection[str]) -> dict[str, int]:
    """Return the keys of the species of these names, by name; those that are new are made.

    Call it within a transaction: until its end nobody can rename or delete these species. Raises
    IntegrityError if one is renamed or deleted at this very moment, and other django.db.Error.
    """
    found = engine().hold_named(Species, "name", names)
    for _ in range(TRIES):
        missing = sorted(set(names) - found.keys())
        if not missing:
            return found
        engine().upsert(SPECIES, [(name,) for name in missing])
        found |= engine().hold_named(Species, "name", missing)
    for name in set(names) - found.keys():
        raise IntegrityError(f"The species “{name}” was just renamed or deleted.")
    return found


def new_a_day(own: int | None) -> int:
    """Return how many new species a node may name in a day, given its own bound, if it has one."""
    return settings.BIRDWATCHER.new_species_a_day if own is None else own

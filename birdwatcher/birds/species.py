"""Species by their names, made when the first bird names them."""

from collections.abc import Collection

from django.db import IntegrityError

from birdwatcher.birds.models import Species


def named(names: Collection[str]) -> dict[str, Species]:
    """Return the species of these names, by name; those that are new are made.

    Raises IntegrityError if one is deleted at this very moment, and other django.db.Error.
    """
    rows = [Species(name=name) for name in sorted(names)]
    Species.objects.bulk_create(rows, ignore_conflicts=True)
    found: dict[str, Species] = Species.objects.in_bulk(names, field_name="name")
    for name in names:
        if name not in found:
            raise IntegrityError(f"The species “{name}” was just deleted.")
    return found

"""The counts of birds against the birds themselves, counted one by one."""

import datetime
from collections import Counter

from birdwatcher.birds.models import Bird
from birdwatcher.rollups.models import HourlyCount, HourlyOfNode, HourlyOfSpecies, TotalCount

TABLES: dict[type, tuple[str, ...]] = {
    HourlyCount: ("node", "species", "hour"),
    HourlyOfSpecies: ("species", "hour"),
    HourlyOfNode: ("node", "hour"),
    TotalCount: ("node", "species"),
}


def hour_of(moment: datetime.datetime) -> datetime.datetime:
    """Return the start of the hour, in UTC."""
    return moment.astimezone(datetime.UTC).replace(minute=0, second=0, microsecond=0)


def counted() -> dict[type, dict[tuple[object, ...], int]]:
    """Return what each table of counts should hold, from the birds as they are."""
    birds = [
        {"node": node, "species": species, "hour": hour_of(at)}
        for node, species, at in Bird.objects.values_list("node", "species", "timestamp")
    ]
    return {
        model: dict(Counter(tuple(bird[name] for name in key) for bird in birds))
        for model, key in TABLES.items()
    }


def kept() -> dict[type, dict[tuple[object, ...], int]]:
    """Return what each table of counts does hold."""
    return {
        model: {tuple(row[:-1]): row[-1] for row in model.objects.values_list(*key, "birds")}
        for model, key in TABLES.items()
    }


def counts_agree() -> None:
    """Check that every count is right, and that there are no others."""
    assert kept() == counted()

"""Import all admin classes, so that they register: Django loads the module of this name."""

from birdwatcher.staff import (  # noqa: F401
    birds,
    delete_selected,
    history,
    nodes,
    people,
    species,
    tokens,
)

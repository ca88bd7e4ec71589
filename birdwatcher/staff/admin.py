"""Import all admin classes, so that they register: Django loads the module of this name."""

from birdwatcher.staff import birds, history, nodes, people, species, tokens  # noqa: F401

"""Register everything that the admin shows: Django looks for a module of this name."""

from birdwatcher.staff import birds, nodes, people, tokens  # noqa: F401

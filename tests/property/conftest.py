"""Sets how hard hypothesis tries, before it is asked to."""

from tests.property import effort  # noqa: F401

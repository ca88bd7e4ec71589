"""Another configuration for a while."""

from dataclasses import replace
from typing import Any

from django.conf import settings
from django.test import override_settings


def configured(**changes: Any) -> override_settings:
    """Return a decorator and context manager under which these settings have other values."""
    return override_settings(BIRDWATCHER=replace(settings.BIRDWATCHER, **changes))

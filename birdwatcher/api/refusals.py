"""Refusals of the API's own. The throttle raises one, and `errors` cannot be imported before it."""

from __future__ import annotations

from rest_framework import exceptions, status

RETRY_AFTER = 5  # seconds


class TooManyError(exceptions.APIException):
    """The asker has too many requests or files under way."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    wait = RETRY_AFTER


class BusyError(exceptions.APIException):
    """The server has too much to do at this moment."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    wait = RETRY_AFTER

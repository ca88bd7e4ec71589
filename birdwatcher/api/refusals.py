"""The API's own refusals.

Apart from `errors`: that imports the views of Django REST framework, which load the throttle that
the settings name, and the throttle's module raises one of these.
"""

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

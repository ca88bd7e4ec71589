"""What is wrong when a database gives no answer."""

from django.db import OperationalError


class TookTooLongError(OperationalError):
    """The answer would have taken longer than a request may take."""

    def __init__(self) -> None:
        super().__init__("the request took too long")

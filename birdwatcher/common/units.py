"""Units of time, and the moment from which they are counted."""

import datetime

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
MICROSECOND = datetime.timedelta(microseconds=1)
MINUTE = datetime.timedelta(minutes=1)
HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)


def moment(seconds: float) -> datetime.datetime:
    """Return the time `seconds` after the epoch. Raises ValueError, OverflowError."""
    try:
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    except OSError as error:  # from the C library, for a year beyond its integers
        raise OverflowError(str(error)) from None

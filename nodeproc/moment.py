"""Times in ISO 8601 and RFC 3339, as peers and people write them."""

import datetime
import re

# What both standards allow and Python does not read: `t` and `z`, a leap second, midnight as 24:00.
# The date and the offset are left to Python.
_OTHERWISE = re.compile(
    r"(?P<date>[-0-9W]+)(?P<separator>[Tt ])"
    r"(?P<hour>[0-9]{2})(?P<colon>:?)(?P<minute>[0-9]{2})"
    r"(?:(?P=colon)(?P<second>[0-9]{2})(?P<fraction>[.,][0-9]+)?)?"
    r"(?P<offset>[Zz]|[-+][0-9:]+)?"
)
_LEAP_SECOND = 60
_END_OF_DAY = 24
_DAY = datetime.timedelta(days=1)


def parse_moment(text: str) -> datetime.datetime:
    """Return the time in `text`, aware only if it has an offset. Raises ValueError.

    A leap second (`:60`) is the last microsecond of its minute, `24:00` is 00:00 of the next day.
    """
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError:
        if not (found := _OTHERWISE.fullmatch(text)):
            raise
    date, hour, minute, second = found["date"], found["hour"], found["minute"], found["second"]
    offset = (found["offset"] or "").upper()
    fraction = found["fraction"] or ""
    if int(second or 0) == _LEAP_SECOND:
        second, fraction = "59", ".999999"
    days = 0
    if int(hour) == _END_OF_DAY:
        if int(minute) or int(second or 0) or fraction.strip(".,0"):
            raise ValueError(f"after the end of the day: {text}")
        hour, days = "00", 1
    clock = f"{hour}:{minute}:{second or '00'}{fraction}{offset}"
    try:
        return datetime.datetime.fromisoformat(f"{date}T{clock}") + days * _DAY
    except OverflowError:
        raise ValueError(f"after the last day that can be kept: {text}") from None

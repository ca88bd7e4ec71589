"""One packet to one event: every rule of the node protocol, and a reason for each breach."""

import datetime
import json
from typing import Any

import msgspec

from nodeproc.moment import parse_moment
from nodeproc.text import MAX_TEXT, is_storable
from nodeproc.wire.messages import Event
from nodeproc.wire.reasons import Reason

_BOM = b"\xef\xbb\xbf"
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
# A day inside what the database and Python can hold, so that every time zone can show it.
_FIRST = (datetime.datetime(1, 1, 2, tzinfo=datetime.UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime.datetime(9999, 12, 30, tzinfo=datetime.UTC) - _EPOCH) // _MICROSECOND


class InvalidPacketError(Exception):
    """A packet that breaks the protocol's rules."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


def parse_event(packet: bytes) -> Event:
    """Return the event of one packet. Raises InvalidPacketError.

    Ignore fields that the protocol does not have.
    """
    value = _decode(packet)
    if type(value) is not dict:
        raise InvalidPacketError(Reason.NOT_AN_OBJECT)
    try:
        timestamp, species, name = value["timestamp"], value["species"], value["name"]
    except KeyError:
        raise InvalidPacketError(Reason.FIELD_MISSING) from None
    if not (type(timestamp) is type(species) is type(name) is str):
        raise InvalidPacketError(Reason.FIELD_TYPE)
    _check_text(species)
    _check_text(name)
    return _microseconds(timestamp), species, name


def _decode(packet: bytes) -> Any:
    # Not decoded by json, which would also accept UTF-16 and UTF-32. A byte order mark may
    # be passed over (RFC 8259, section 8.1).
    try:
        text = packet.removeprefix(_BOM).decode()
    except UnicodeDecodeError:
        raise InvalidPacketError(Reason.NOT_UTF8) from None
    try:
        return _decode_strictly(text)
    except (msgspec.DecodeError, RecursionError):
        return _decode_leniently(text)


# Several times as fast as json, and stricter. What it refuses is given to json, which finds the
# reason, or accepts it after all, such as NaN in a field that is not used.
_decode_strictly = msgspec.json.Decoder().decode


def _decode_leniently(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise InvalidPacketError(Reason.NOT_JSON) from None
    except RecursionError:
        raise InvalidPacketError(Reason.TOO_DEEP) from None
    except ValueError:  # more digits than Python turns into an integer
        raise InvalidPacketError(Reason.NUMBER_TOO_LONG) from None


def _check_text(text: str) -> None:
    if not text:
        raise InvalidPacketError(Reason.TEXT_EMPTY)
    if len(text) > MAX_TEXT:
        raise InvalidPacketError(Reason.TEXT_TOO_LONG)
    if not is_storable(text):
        raise InvalidPacketError(Reason.TEXT_UNSTORABLE)


def _microseconds(timestamp: str) -> int:
    """Return the microseconds since the epoch of a time; without an offset it is UTC."""
    try:
        moment = parse_moment(timestamp)
    except ValueError:
        raise InvalidPacketError(Reason.NOT_A_TIMESTAMP) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    since = (moment - _EPOCH) // _MICROSECOND
    if not _FIRST <= since <= _LAST:
        raise InvalidPacketError(Reason.TIMESTAMP_RANGE)
    return since

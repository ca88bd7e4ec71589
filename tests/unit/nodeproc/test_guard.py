"""Finding the packet that kills its process."""

import os
from unittest import mock

import pytest

from nodeproc.sources.tcp import guard as module
from nodeproc.sources.tcp.events import InvalidPacketError
from nodeproc.sources.tcp.guard import MAX_KILLERS, Guard
from nodeproc.wire.reasons import Reason

GOOD = b'{"timestamp": "1970-01-01T00:00:00Z", "species": "Robin", "name": "Bob"}'
DEADLY = b"deadly nightshade"


def die_of(guard: Guard, packet: bytes) -> None:
    """Have a child parse the packet, and die of it."""
    pid = os.fork()
    if not pid:
        with mock.patch.object(module, "parse_event", side_effect=lambda _: os._exit(9)):
            guard.parse_event(packet)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9


def test_a_good_packet_leaves_no_note() -> None:
    guard = Guard(1000)
    assert guard.parse_event(GOOD) == (0, "Robin", "Bob")
    with pytest.raises(InvalidPacketError):
        guard.parse_event(b"garbage")
    assert guard.learn() is None


def test_the_packet_that_killed_a_child_is_found_once_and_then_rejected() -> None:
    guard = Guard(1000)
    die_of(guard, DEADLY)
    assert guard.learn() == DEADLY
    assert guard.learn() is None
    with pytest.raises(InvalidPacketError, match=Reason.KILLED_PROCESS):
        guard.parse_event(DEADLY)
    assert guard.parse_event(GOOD) == (0, "Robin", "Bob")


def test_a_packet_longer_than_the_note_is_parsed_without_one() -> None:
    guard = Guard(len(GOOD) - 1)
    die_of(guard, DEADLY.ljust(len(GOOD)))
    assert guard.learn() is None
    assert guard.parse_event(GOOD) == (0, "Robin", "Bob")


def test_the_newest_killers_are_remembered() -> None:
    guard = Guard(1000)
    packets = [b"%d" % number for number in range(MAX_KILLERS + 1)]
    for packet in packets:
        die_of(guard, packet)
        assert guard.learn() == packet
    for packet in packets[1:]:
        with pytest.raises(InvalidPacketError, match=Reason.KILLED_PROCESS):
            guard.parse_event(packet)
    with pytest.raises(InvalidPacketError, match=Reason.NOT_AN_OBJECT):
        guard.parse_event(packets[0])

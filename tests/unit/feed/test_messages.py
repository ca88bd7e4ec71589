"""The examples of the documents are messages as they are told, one of each kind."""

import json
import re

import msgspec
import pytest

from birdwatcher.feed import messages
from birdwatcher.feed.birds import messages as bird_messages
from birdwatcher.feed.birds.deletions import Deleted, pieces
from birdwatcher.feed.birds.filter import BirdFilter
from birdwatcher.feed.cursor import DeletionCursor, DeletionToken
from birdwatcher.live.watch import show
from tests.support import documents

SECTION = documents.section_of("docs/live.md", "## Messages")
FOR_PROGRAMS = (
    bird_messages.Birds
    | messages.Heartbeat
    | messages.Deleted
    | bird_messages.Report
    | messages.DeletionsMissed
    | messages.Trouble
)
EXAMPLES = next(documents.blocks_of(SECTION, "json")).splitlines()


def test_an_example_is_a_message_with_all_its_fields() -> None:
    kinds = []
    for line in EXAMPLES:
        read = msgspec.json.decode(line, type=FOR_PROGRAMS)
        assert msgspec.json.decode(msgspec.json.encode(read)) == json.loads(line)
        kinds.append(type(read))
    assert kinds == [*FOR_PROGRAMS.__args__]
    rows = re.findall(r"^\| `(\w+)` \|.*\|.*\|$", SECTION.partition("| `type` |")[2], re.MULTILINE)
    assert sorted(rows) == sorted(json.loads(line)["type"] for line in EXAMPLES)


def test_a_terminal_shows_them_in_lines() -> None:
    shown = [line for example in EXAMPLES for line in show.lines(json.loads(example))]
    assert [re.sub("^2026-05-01 ..:..:00", "…", line) for line in shown] == [
        "… Dartmoor: Erithacus rubecula, Robin [4711]",
        "deleted: 4711",
        "2 birds in total: Dartmoor 50 %, Exmoor 50 %",
        "some deletions were forgotten before they could be sent",
        "nothing can be sent for now: The database is away.",
    ]
    many = {"type": "deleted", "ids": list(range(1, 13)), "everything": False}
    assert list(show.lines(many)) == ["deleted: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more"]
    assert list(show.lines({"type": "deleted", "ids": [], "everything": True})) == [
        "deleted: all birds"
    ]


def test_deletions_come_in_pieces() -> None:
    deleted = [
        Deleted(DeletionCursor(1, 1), 1, 1, [1, 2, 3]),
        Deleted(DeletionCursor(1, 2), 2, 1, [4]),
        Deleted(DeletionCursor(1, 3), 1, 2, [5, 6]),
        Deleted(DeletionCursor(2, 4), None, None, [6]),
        Deleted(DeletionCursor(3, 5), 1, 1, [7]),
    ]
    ids = [([1, 2], None), ([3, 4], None), ([5, 6], None), ([], 6), ([7], None)]
    assert list(pieces(deleted, BirdFilter(), 2)) == ids
    assert list(pieces(deleted[:3], BirdFilter.of(node=1), 4)) == [
        ([1, 2, 3, 5], None),
        ([6], None),
    ]
    assert list(pieces(deleted[:3], BirdFilter.of(species=2), 4)) == [([5, 6], None)]
    assert list(pieces(deleted[:3], BirdFilter.of(node=9), 4)) == []


def test_a_token_is_parsed_as_it_was_sent() -> None:
    token = DeletionToken(DeletionCursor(2**63 - 1, 7), 1777617960)
    assert str(token) == "9223372036854775807.7.1777617960"
    assert DeletionToken.parse(str(token)) == token
    assert not token.is_old(1777617960 + 86400)
    assert token.is_old(1777617960 + 86401)
    for text in ("", "1", "1.2", "1.2.x", "1.2.3.4", "-1.2.3", f"{2**63}.1.1", "1.1.1\n"):
        with pytest.raises(ValueError):  # noqa: PT011 it is the text itself
            DeletionToken.parse(text)

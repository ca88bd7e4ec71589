"""Places in the order of the birds."""

import datetime

import pytest

from birdwatcher.search.keyset import Direction, Position, Stretch

NOON = datetime.datetime(2026, 5, 1, 12, 0, 0, 250_000, tzinfo=datetime.UTC)
SECOND = datetime.timedelta(seconds=1)


@pytest.mark.parametrize("position", [Position(NOON, 7), Position(NOON), Position(NOON, 2**63 - 1)])
def test_an_address_holds_a_position(position: Position) -> None:
    assert Position.parse(str(position)) == position


@pytest.mark.parametrize("text", ["", "1", "1.", ".1", "1.-1", "x.1", "1.2.3", "²", f"1.{2**63}"])
def test_nonsense_is_no_position(text: str) -> None:
    with pytest.raises(ValueError, match="not a position"):
        Position.parse(text)


def test_where_two_stretches_meet() -> None:
    early, late = Position(NOON), Position(NOON + SECOND, 3)
    whole, since, until = Stretch(), Stretch(after=early), Stretch(before=late)
    assert whole.meet(since) == since.meet(whole) == since
    assert since.meet(until) == Stretch(early, late)
    assert not since.meet(until).empty
    assert Stretch(late, early).empty
    assert Stretch(late, late).empty
    assert not whole.empty
    assert Direction.OLDER.beyond(late) == until
    assert Direction.NEWER.beyond(early) == since
    assert Direction.NEWER.beyond(None) == whole
    # The later start and the earlier end count.
    assert Stretch(early, late).meet(Stretch(Position(NOON, 1), Position(NOON, 9))) == Stretch(
        Position(NOON, 1), Position(NOON, 9)
    )

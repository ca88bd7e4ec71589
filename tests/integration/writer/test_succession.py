"""What two daemons received from one node is committed once, whoever comes late."""

import time
from collections import Counter
from pathlib import Path

import pytest
from django.db import OperationalError

from birdwatcher.birds.models import Bird
from birdwatcher.common.database.postgresql_statements import DAEMON_LOCK
from birdwatcher.common.units import moment
from birdwatcher.daemon.instance import instance_of
from birdwatcher.daemon.models import Tenure
from birdwatcher.writer.ledger import Ledger
from birdwatcher.writer.succession import READ_LATE, Succession
from nodeproc.delivery.outbox import Outbox
from nodeproc.delivery.spool import Spool
from nodeproc.limits import NodeLimits
from nodeproc.numbers.daemon import DaemonNumbers
from nodeproc.wire.frames import Kind
from nodeproc.wire.messages import Batch
from nodeproc.wire.subjects import Origin
from tests.support.databases import POSTGRESQL, Database
from tests.support.postgres import PostgresCluster
from tests.support.sender import Sender, read

pytestmark = pytest.mark.usefixtures("database")

FIRST, SECOND = "first", "second"
HOUR = 3600.0


class Receiver:
    """One daemon that receives events, which are numbers, and has a ledger."""

    def __init__(self, instance: str, origin: Origin) -> None:
        spool = Spool(Path("no such directory"), origin, NodeLimits())  # never used
        self.succession = Succession(instance)
        self.numbers = DaemonNumbers()
        self.ledger = Ledger(0, self.numbers, self.succession)
        self.origin, self.outbox = origin, Outbox(origin, spool)

    def receives(self, *events: int, at: float) -> None:
        """Retain a batch of these events; the time of each is the same, whenever it comes."""
        named = [(event, "Robin", f"#{event}") for event in events]
        self.outbox.append(Kind.BATCH, Batch(at, named, [], 0))

    def commits(self) -> None:
        """Commit what it retains, as a new writer does."""
        self.outbox.rewind(0)
        self.ledger.commit([it for raw in iter(self.outbox.take, None) for it in read(raw)])


class Pair:
    """Two daemons on one database, and the events of one node."""

    def __init__(self) -> None:
        self.now = time.time()
        origin = Sender().origin
        self.first, self.second = Receiver(FIRST, origin), Receiver(SECOND, origin)

    def takes_over(self, receiver: Receiver, instance: str, ago: float) -> None:
        """Give `receiver` the lock, so many seconds ago."""
        receiver.succession.take_over()
        at = moment(self.now - ago)
        Tenure.objects.filter(pk=Tenure.objects.latest("pk").pk).update(began_at=at)
        receiver.succession.take_over()

    def stored(self) -> list[int]:
        """Return how the events in the database are numbered."""
        return sorted(int(name[1:]) for name in Bird.objects.values_list("name", flat=True))


@pytest.fixture
def pair() -> Pair:
    return Pair()


def in_turn(pair: Pair) -> None:
    """The first has the lock for an hour, then the second, for the last ten minutes the first."""
    pair.takes_over(pair.first, FIRST, 2 * HOUR)
    pair.takes_over(pair.second, SECOND, HOUR)


def test_an_overlap_is_committed_once(pair: Pair) -> None:
    """Its edges are where the connections began and ended, by no clock."""
    in_turn(pair)
    began = pair.now - HOUR
    pair.first.receives(1, 2, 3, at=began - 10)  # only the first was connected
    pair.first.receives(4, 5, 5, 6, at=began + 2)  # the node sent one of them twice, to both
    pair.first.receives(7, 8, at=began + 4)
    # Its clock is half a minute behind.
    pair.second.receives(4, 5, 5, 6, 7, at=began - 28)
    pair.second.receives(8, 9, at=began - 26)
    pair.second.commits()
    pair.takes_over(pair.first, FIRST, 600)
    pair.first.commits()
    assert pair.stored() == [1, 2, 3, 4, 5, 5, 6, 7, 8, 9]
    assert pair.first.numbers.known == 6
    pair.first.commits()  # once more, to a writer that has forgotten nothing
    assert pair.stored() == [1, 2, 3, 4, 5, 5, 6, 7, 8, 9]


def test_a_row_stands_for_one_event_however_late_the_next_comes(pair: Pair) -> None:
    in_turn(pair)
    pair.second.receives(1, at=pair.now - HOUR)
    pair.second.commits()
    pair.takes_over(pair.first, FIRST, 600)
    for expected in ([1], [1, 1], [1, 1, 1]):  # sent three times; the second came for the last
        pair.first.receives(1, at=pair.now - HOUR)
        pair.first.commits()
        assert pair.stored() == expected


def test_what_the_other_never_committed_is_not_lost(pair: Pair) -> None:
    """It was connected and had the lock, and its disk is gone."""
    in_turn(pair)
    pair.second.receives(1, 2, 3, at=pair.now - HOUR)
    pair.first.receives(1, 2, 3, 4, at=pair.now - HOUR)
    pair.takes_over(pair.first, FIRST, 600)
    pair.first.commits()
    assert pair.stored() == [1, 2, 3, 4]
    # Its disk is found again.
    pair.takes_over(pair.second, SECOND, 60)
    pair.second.commits()
    assert pair.stored() == [1, 2, 3, 4]


def test_equal_birds_of_other_times_are_other_birds(pair: Pair) -> None:
    """A node whose clock stands still sends equal events for ever."""
    in_turn(pair)
    pair.second.receives(1, 1, at=pair.now - HOUR)
    pair.second.commits()
    pair.first.receives(1, at=pair.now - 1.5 * HOUR)  # long before the second had the lock
    pair.takes_over(pair.first, FIRST, 600)
    pair.first.commits()
    assert Counter(pair.stored()) == {1: 3}
    # A process that was started after the take-over received nothing together with the second.
    pair.takes_over(pair.first, FIRST, READ_LATE / 2)
    later = Receiver(FIRST, pair.first.origin)
    later.succession.take_over()
    later.receives(1, at=time.time() + 1)
    later.commits()
    assert Counter(pair.stored()) == {1: 4}


def test_the_same_daemon_again_is_no_other(pair: Pair) -> None:
    pair.takes_over(pair.first, FIRST, HOUR)
    again = Receiver(FIRST, pair.first.origin)
    for receiver in (pair.first, again):
        receiver.succession.take_over()
        receiver.receives(1, at=pair.now)
        receiver.commits()
    assert pair.stored() == [1, 1]
    assert Tenure.objects.count() == 1


def test_only_the_newest_tenures_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tenure, "KEPT", 3)
    for number in range(8):
        Succession(str(number % 2)).take_over()
    assert Tenure.objects.count() == 3


def test_the_name_of_a_daemon_stays(tmp_path: Path) -> None:
    assert instance_of(tmp_path) == instance_of(tmp_path)
    assert instance_of(tmp_path / "missing") == instance_of(tmp_path / "missing")


@pytest.mark.parametrize("database", [POSTGRESQL], indirect=True)
@pytest.mark.parametrize("count", [1, 500], ids=["few", "many"])
def test_nothing_is_committed_while_another_session_has_the_lock(
    database: Database, shared_cluster: PostgresCluster, count: int
) -> None:
    """A pooler may have swapped the session, or the lock been lost in any other way."""
    sender, ledger = Sender(), Ledger()
    sender.batch()
    ledger.commit(sender.resend())  # from now on it knows the species, as a small commit needs
    sender.batch(count)
    with shared_cluster.connect(database.name) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", DAEMON_LOCK)
        with pytest.raises(OperationalError):
            ledger.commit(sender.resend())
        assert len(sender.names()) == 1
    ledger.doubt()
    ledger.commit(sender.resend())
    assert len(sender.names()) == 1 + count

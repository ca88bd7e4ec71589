"""A damaged spool costs what is damaged; what was set aside is listed, and read on request."""

import itertools
from collections.abc import Callable

from nodeproc.delivery.aside import Why, listed, new_name
from nodeproc.delivery.spoolfile import MAGIC, SpoolReader, record, spool_path
from nodeproc.wire.frames import Frame, Kind, pack
from nodeproc.wire.messages import Batch
from tests.acceptance.daemon.test_spool import origin, spools, stopped_during_an_outage
from tests.support.books import stored
from tests.support.daemon import Daemon
from tests.support.park import Park, Station
from tests.support.processes import Processes
from tests.support.waiting import wait_until

COMMITTING = 20.0  # seconds


def in_batches_of_ten(park: Park, station: Station) -> list[bytes]:
    """Return the records of a station's spool, with no more than ten events in each."""
    with spool_path(spools(park), origin(station)).open("rb") as file:
        frames = [it for it, _ in SpoolReader(file.fileno(), origin(station)).all()]
    found, sequence = [], itertools.count(1)
    for frame in frames:
        events = frame.value().events if frame.kind == Kind.BATCH else []
        for first in range(0, len(events), 10):
            batch = Batch(frame.received_at, events[first : first + 10], [], 0)
            where = {"origin": frame.origin, "stream": frame.stream ^ 1, "sequence": next(sequence)}
            found.append(record(pack(Kind.BATCH, batch, **where)))
    return found


def flipped(raw: bytes) -> bytes:
    return raw[:9] + bytes([raw[9] ^ 1]) + raw[10:]


def events_of(raw: bytes) -> int:
    return Frame.of(raw[4:]).events


def test_a_flipped_byte_costs_one_record_and_the_rest_is_committed(
    park: Park, start_daemon: Callable[..., Daemon], processes: Processes
) -> None:
    station = park.add("Dartmoor")
    stopped_during_an_outage(park, station, count=50)
    first, second, *others = in_batches_of_ten(park, station)
    path = spool_path(spools(park), origin(station))
    path.write_bytes(MAGIC + first + flipped(second) + b"".join(others))
    left = 50 - events_of(second)
    daemon = start_daemon(park.database)
    daemon.wait_for_line(r"WARNING.*Dartmoor.*nodes-.*spool is damaged in 1 places")
    wait_until(
        lambda: len(stored(station.id)) == left, timeout=COMMITTING, message="all but ten are there"
    )
    daemon.wait_for_line(r"WARNING.*nodes-.*spool is set aside as nodes-.*: it is damaged")
    assert daemon.stop() == 0
    (aside,) = listed(spools(park))
    listing = processes.run("spool", "--aside", env=park.database.env)
    assert f"{aside.name} (damaged)" in listing


def test_what_an_earlier_release_set_aside_is_read_again_once(
    park: Park, processes: Processes
) -> None:
    station = park.add("Dartmoor")
    stopped_during_an_outage(park, station, count=50)
    records = in_batches_of_ten(park, station)
    path = spool_path(spools(park), origin(station))
    path.write_bytes(MAGIC + b"".join(records[:2]))
    aside = spools(park) / new_name(origin(station), Why.DAMAGED)
    content = b"torn" + b"".join(records[2:])
    aside.write_bytes(content)
    assert "Everything is committed." in processes.run("spool", "--commit", env=park.database.env)
    assert len(stored(station.id)) == 20
    for _ in range(2):
        assert "events are committed; the file is removed" in processes.run(
            "spool", "--reread", aside.name, "--commit", env=park.database.env
        )
        assert stored(station.id) == sorted(station.field.sent)
        assert not aside.exists()
        aside.write_bytes(content)  # as after a crash before it was removed
    program = processes.manage("spool", "--reread", "nodes-7.gone-1", env=park.database.env)
    assert program.wait() == 1
    assert "nodes-7.gone-1: there is no such file" in program.text()

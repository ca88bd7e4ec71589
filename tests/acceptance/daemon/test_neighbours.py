"""One node sends as much as it can, of the most expensive kind; its neighbours notice nothing."""

import datetime
import itertools
import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator

from birdwatcher.birds.models import Bird
from tests.support.packets import packet
from tests.support.park import Park, Station
from tests.support.waiting import SLACK, wait_until

FLOOD = 3.0  # seconds
AT_ONCE = 200  # packets of the flood
PAUSE = 0.05  # seconds between two events of a neighbour
LAG = 1.0  # seconds, of 99 in 100 events of the neighbours


def new_species() -> Iterator[bytes]:
    """Yield packets, each of which names a species that nobody has heard of."""
    for number in itertools.count():
        now = datetime.datetime.now(datetime.UTC).isoformat()
        yield packet(
            json.dumps({"timestamp": now, "species": f"Kind {number}", "name": "x"}).encode()
        )


def flood(station: Station, ended: threading.Event) -> None:
    """Send as much as the daemon takes."""
    (connection,) = station.field.connections()
    connection.setblocking(True)
    connection.settimeout(0.1)
    packets = new_species()
    waiting = b""
    while not ended.is_set():
        waiting = waiting or b"".join(itertools.islice(packets, AT_ONCE))
        try:
            waiting = waiting[connection.send(waiting) :]
        except TimeoutError:
            continue


def test_neighbours_of_a_flood_are_not_delayed(
    park: Park, record_property: Callable[[str, object], None]
) -> None:
    flooder = park.add("Flooder")
    neighbours = [park.add(name) for name in ("Dartmoor", "Exmoor")]
    keys = [station.id for station in neighbours]
    ended = threading.Event()
    flooding = threading.Thread(target=flood, args=(flooder, ended))
    sent: list[float] = []
    seen: list[float] = []

    def look() -> None:
        found = Bird.objects.filter(node__in=keys).count()
        seen.extend([time.monotonic()] * (found - len(seen)))

    flooding.start()
    began = time.monotonic()
    while time.monotonic() < began + FLOOD:
        for station in neighbours:
            sent.append(time.monotonic())
            station.field.send()
            look()
        time.sleep(PAUSE)
    ended.set()
    flooding.join()
    wait_until(lambda: look() or len(seen) == len(sent), timeout=90, message="all are there")
    lags = [at - since for since, at in zip(sent, seen, strict=True)]
    p99 = statistics.quantiles(lags, n=100)[98]
    record_property("measured", ("an event beside a flood of new species, p99", LAG, round(p99, 3)))
    assert p99 <= LAG + SLACK, f"p99 {p99:.2f} s, worst {max(lags):.2f} s"

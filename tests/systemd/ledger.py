"""Runs in the machine, in `birdwatcher shell`: print what the database holds, as JSON.

Waits first until the database holds DUE birds at least, and no new one comes any more; if they do
not come, the books will tell what is missing. DUE stands where the tests have put a number.
"""

import json
import sys
import time

from birdwatcher.birds.models import Bird
from birdwatcher.nodes.models import NodeStatus

WAITING, QUIET, PAUSE = 60.0, 1.0, 0.1  # seconds

deadline = time.monotonic() + WAITING
seen, since = -1, time.monotonic()
while time.monotonic() < deadline:
    count = Bird.objects.count()
    if count != seen:
        seen, since = count, time.monotonic()
    elif count >= DUE and time.monotonic() - since > QUIET:  # noqa: F821 see above
        break
    time.sleep(PAUSE)
birds = Bird.objects.order_by().values_list("node_id", "timestamp", "species__name", "name")
json.dump(
    {
        "birds": [[node, at.isoformat(), *names] for node, at, *names in birds.iterator()],
        "counts": list(NodeStatus.objects.values_list("node_id", "events", "rejected")),
    },
    sys.stdout,
)

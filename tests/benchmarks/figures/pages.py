"""The admin's list of birds among ten million, against the same page among a hundred thousand."""

import statistics
import time

from django.urls import reverse

from birdwatcher.nodes.models import Node
from tests.benchmarks.baselines.many_birds import fill
from tests.benchmarks.bench import Bench, keeper
from tests.benchmarks.results import TIMES, Result, Row, ratio
from tests.support.databases import Database, django_in

FEW, MANY = 100_000, 10_000_000
ROUNDS = 5
REQUESTS = 4  # of each side in each round
MOST = 2.0
PAGES = {"first page": "", "filtered by node": "node__id__exact={node}"}


def measure(bench: Bench, vendor: str) -> Result:
    """Fill two databases, then open the pages in turn."""
    with bench.database(vendor) as small:
        fill(FEW)
        with bench.database(vendor) as large:
            began = time.monotonic()
            fill(MANY)
            filling = time.monotonic() - began
            rows = [_row(vendor, page, large, small) for page in PAGES]
    return Result(rows, [f"filling took {filling:.0f} s"])


def _row(vendor: str, page: str, large: Database, small: Database) -> Row:
    many, few = [], []
    for number in range(ROUNDS + 1):  # the first one warms up
        theirs, mine = _seconds(page, small), _seconds(page, large)
        if number:
            few.append(theirs)
            many.append(mine)
    value, rounds = ratio(many, few)
    return Row(
        f"admin's list of birds, 10 million rows, {page}",
        vendor,
        f"{statistics.median(many) * 1e3:.0f} ms",
        f"100,000 rows: {statistics.median(few) * 1e3:.0f} ms",
        value,
        TIMES,
        MOST,
        rounds=rounds,
    )


def _seconds(page: str, database: Database) -> float:
    """Return how long the page takes, the median of a few requests."""
    with django_in(database):
        client = keeper()
        query = PAGES[page].format(node=Node.objects.first().pk)
        address = f"{reverse('admin:birds_bird_changelist')}?{query}"
        samples = []
        for _ in range(REQUESTS):
            began = time.perf_counter()
            answer = client.get(address)
            samples.append(time.perf_counter() - began)
            if answer.status_code != 200 or b"result_list" not in answer.content:
                raise AssertionError(f"{address} answered {answer.status_code}")
    return statistics.median(samples)

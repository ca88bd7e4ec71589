"""The admin's list of birds among ten million, against the same page among a hundred thousand."""

import time

from django.urls import reverse

from birdwatcher.nodes.models import Node
from tests.benchmarks import sizes
from tests.benchmarks.baselines.many_birds import fill
from tests.benchmarks.bench import Bench, keeper
from tests.benchmarks.results import Result, Row
from tests.support.databases import Database, django_in

FEW, MANY = 100_000, 10_000_000
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
    return sizes.compare(
        f"admin's list of birds, 10 million rows, {page}",
        vendor,
        "100,000 rows",
        lambda: _seconds(page, large),
        lambda: _seconds(page, small),
    )


def _seconds(page: str, database: Database) -> float:
    with django_in(database):
        query = PAGES[page].format(node=Node.objects.first().pk)
        address = f"{reverse('admin:birds_bird_changelist')}?{query}"
        return sizes.seconds(keeper(), address, lambda html: b"result_list" in html)

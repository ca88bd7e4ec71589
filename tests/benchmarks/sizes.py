"""A page with much in the database against the same page with little."""

import statistics
import time
from collections.abc import Callable

from django.test import Client

from tests.benchmarks.results import TIMES, Row, ratio

ROUNDS = 5
REQUESTS = 4  # of each side in each round
MOST = 2.0  # times as long


def compare(
    figure: str, vendor: str, few_are: str, many: Callable[[], float], few: Callable[[], float]
) -> Row:
    """Take both sides in turn, each of which returns how many seconds it took.

    `few_are` says how much there is on the side of the `few`.
    """
    larger, smaller = [], []
    for number in range(ROUNDS + 1):  # the first one warms up
        theirs, mine = few(), many()
        if number:
            smaller.append(theirs)
            larger.append(mine)
    value, rounds = ratio(larger, smaller)
    return Row(
        figure,
        vendor,
        f"{statistics.median(larger) * 1e3:.0f} ms",
        f"{few_are}: {statistics.median(smaller) * 1e3:.0f} ms",
        value,
        TIMES,
        MOST,
        rounds=rounds,
    )


def seconds(client: Client, address: str, fits: Callable[[bytes], bool]) -> float:
    """Return how long a page takes, the median of a few requests; `fits(content)` judges it."""
    return statistics.median(_request(client, address, fits) for _ in range(REQUESTS))


def _request(client: Client, address: str, fits: Callable[[bytes], bool]) -> float:
    began = time.perf_counter()
    answer = client.get(address)
    lasted = time.perf_counter() - began
    if answer.status_code != 200 or not fits(answer.content):
        raise AssertionError(f"{address} answered {answer.status_code}")
    return lasted

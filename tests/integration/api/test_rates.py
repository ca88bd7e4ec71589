"""How often one may ask: one allowance, however many processes answer, and few questions of the
database."""

import threading
from collections.abc import Callable, Iterator

import pytest
from django.db import connection, transaction

from birdwatcher.accounts import rate_limit
from birdwatcher.accounts.models import Allowance, ApiToken
from birdwatcher.accounts.rate_limit import Grants, take_share
from tests.support.configured import configured
from tests.support.program import Caller

RATE, MINUTE = 40, 29_000_000


@pytest.fixture
def at_a_quiet_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """`at_a_quiet_time(seconds)`: the clock stands still, so long after the minute began."""
    monkeypatch.setattr(rate_limit, "grants", Grants(take_share))

    def set_clock(seconds: int) -> None:
        monkeypatch.setattr(rate_limit, "clock", lambda: MINUTE * 60.0 + seconds)

    set_clock(10)
    return set_clock


def test_all_processes_together_grant_what_there_is(database: object) -> None:
    processes = [Grants(take_share) for _ in range(3)]
    granted = sum(processes[number % 3].take("token 1", RATE, MINUTE) for number in range(3 * RATE))
    assert granted == RATE
    assert processes[0].take("token 2", RATE, MINUTE)
    assert processes[0].take("token 1", RATE, MINUTE + 1)
    # The next share takes what is old along.
    processes[1].take("token 1", RATE, MINUTE + rate_limit.KEPT + 1)
    assert not Allowance.objects.filter(minute=MINUTE).exists()


def test_the_database_is_asked_for_shares_only() -> None:
    asked = []

    def share(who: str, rate: int, _minute: int) -> int:
        asked.append(who)
        return 20 if len(asked) <= 2 else 0

    grants = Grants(share)
    assert sum(grants.take("x", 40, MINUTE) for _ in range(500)) == 40
    assert len(asked) == 3


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_threads_share_it_too(database: object) -> None:
    grants, granted = Grants(take_share), []

    def take() -> None:
        granted.extend(grants.take("token 1", RATE, MINUTE) for _ in range(RATE))
        connection.close()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(granted) == RATE


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@configured(api_rate=5, api_anonymous_rate=3)
def test_who_asks_too_often_is_told_when_to_come_again(
    caller: Callable[..., Caller], at_a_quiet_time: Callable[[int], None]
) -> None:
    asking, other, stranger = caller("viewer"), caller("viewer"), Caller("bw_" + 43 * "x")
    statuses = [asking.ask("GET", "nodes").status_code for _ in range(7)]
    assert statuses == 5 * [200] + 2 * [429]
    refused = asking.ask("GET", "nodes")
    assert refused["Retry-After"] == "51"
    assert refused.json()["detail"].startswith("Request was throttled.")
    # Another token of the same user has an allowance of its own, and whoever guesses one has too.
    assert other.ask("GET", "nodes").status_code == 200
    assert [stranger.ask("GET", "nodes").status_code for _ in range(4)] == [401, 401, 401, 429]
    assert Caller().ask("GET", "birds").status_code == 429
    at_a_quiet_time(61)
    assert asking.ask("GET", "nodes").status_code == 200


@configured(api_rate=5)
def test_who_reads_does_not_wait_for_who_writes(
    caller: Callable[..., Caller], at_a_quiet_time: Callable[[int], None]
) -> None:
    """The use of the token is not noted then, and each process counts for itself."""
    asking, other, statuses = caller("viewer"), caller("viewer"), []

    def ask() -> None:
        statuses.extend(asking.ask("GET", "nodes").status_code for _ in range(6))
        connection.close()

    with transaction.atomic():
        ApiToken.objects.update(name="held")
        Allowance.objects.all().delete()
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("LOCK TABLE api_allowance IN EXCLUSIVE MODE")
        reading = threading.Thread(target=ask)
        reading.start()
        reading.join(15)
        assert statuses == 5 * [200] + [429]
    reading.join(30)
    assert not ApiToken.objects.exclude(last_used_at=None).exists()
    assert other.ask("GET", "nodes").status_code == 200
    assert ApiToken.objects.exclude(last_used_at=None).count() == 1
    assert Allowance.objects.get().granted == 1
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout")
            assert cursor.fetchone() == (20_000,)


def test_small_rates_are_kept_too() -> None:
    assert rate_limit.SHARES > 1
    left = {"x": 3}

    def share(who: str, rate: int, _minute: int) -> int:
        left[who] -= 1
        return 1 if left[who] >= 0 else 0

    grants = Grants(share)
    assert [grants.take("x", 3, MINUTE) for _ in range(5)] == 3 * [True] + 2 * [False]

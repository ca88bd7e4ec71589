"""What happens to open pages when the web server, the database or their user's permission goes."""

import signal
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.db import connection

from birdwatcher.birds.models import Bird
from tests.support.databases import Database
from tests.support.follower import Follower, cookie_of, log_in
from tests.support.livefeed import Field, Web, served_here
from tests.support.ports import PortBlock
from tests.support.postgres import PostgresCluster


def test_a_stop_is_not_held_up_by_open_pages(web: Web) -> None:
    pages = [web.follow_from_now() for _ in range(20)]
    assert web.program.stop() == 0
    for page in pages:
        with page:
            assert page.closed_with() in {1001, 1006, 1012}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_reload_loses_nothing(web: Web, field: Field) -> None:
    with web.follow_from_now() as page:
        field.hear(10)
        page.read_birds(10)
        web.program.send(signal.SIGHUP)
        assert page.closed_with() in {1001, 1006, 1012}
        field.hear(10)
    with web.follow(f"?since={page.seen}") as again:
        again.read_birds(10)
        assert page.ids + again.ids == [bird.pk for bird in Bird.objects.order_by("pk")]


@pytest.mark.parametrize("immediate", [False, True])
def test_a_database_that_is_away_for_a_while(
    own_cluster: PostgresCluster,
    own_database: Database,
    start: Callable[..., Web],
    immediate: bool,
) -> None:
    # One process, which has been connected for questions when the newcomer has some.
    web, field = start(own_database, BIRDWATCHER_WEB_WORKERS="1"), Field()
    with web.follow_from_now() as page:
        field.hear(3)
        page.read_birds(3)
        connection.close()
        own_cluster.stop(immediate=immediate)
        page.read("trouble")
        assert page.of("trouble")[0]["reason"] == "The database is away."
        # Who comes meanwhile, or again, is told so too, and waits.
        with web.follow("?since=0") as newcomer:
            newcomer.read("trouble", 2)
            own_cluster.start()
            field.hear(3)
            for it in (page, newcomer):
                it.read_birds(6)
                assert it.ids == [bird.pk for bird in Bird.objects.order_by("pk")]
                assert it.messages[-1]["type"] != "trouble"


def test_a_database_that_does_not_answer(
    own_cluster: PostgresCluster, own_database: Database, start: Callable[..., Web]
) -> None:
    web, field = start(own_database), Field()
    with web.follow_from_now() as page:
        connection.close()
        own_cluster.freeze()
        page.read("trouble")
        assert page.of("trouble")[0]["reason"] == "The database does not answer."
        own_cluster.thaw()
        field.hear(3)
        page.read_birds(3)


@pytest.fixture
def impatient(database: Database, ports: PortBlock) -> Iterator[str]:
    """The address of a server which looks every moment whether a user still may."""
    with served_here(ports.take(), recheck=0.05) as address:
        yield address


def test_whoever_loses_the_permission_is_told_no_more(impatient: str) -> None:
    client = log_in()
    with Follower(impatient, cookie=cookie_of(client)) as page:
        page.read("heartbeat")
        User.objects.get().user_permissions.clear()
        assert page.closed_with() == 4403


def test_whoever_logs_out_is_told_no_more(impatient: str) -> None:
    client = log_in()
    with Follower(impatient, cookie=cookie_of(client)) as page:
        page.read("heartbeat")
        client.logout()
        assert page.closed_with() == 4401

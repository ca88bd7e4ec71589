"""Programs that follow the birds: they miss nothing, are told nothing twice, and hear of it all."""

import datetime
import threading
from collections.abc import Callable

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone
from websockets.exceptions import ConnectionClosed, InvalidStatus

from birdwatcher.accounts.models import ApiToken
from birdwatcher.birds.models import Bird, Species
from birdwatcher.feed.birds.news import AT_ONCE
from birdwatcher.feed.birds.table import LOOKED_THROUGH, RESUMED
from birdwatcher.feed.models import Deletion
from birdwatcher.live import quota
from birdwatcher.rollups import counting
from tests.support.databases import Database
from tests.support.flock import remove
from tests.support.follower import ProgramFollower, cookie_of, log_in, make_user
from tests.support.livefeed import Field, Web, served_here
from tests.support.ports import PortBlock
from tests.support.program import token_of
from tests.support.slow import narrow_socket
from tests.support.waiting import STARTING, wait_until

SKIP = {
    "sqlite": "UPDATE sqlite_sequence SET seq = %s WHERE name = 'birds_bird'",
    "postgresql": "SELECT setval('birds_bird_id_seq', %s)",
}


def keys(**filters: object) -> list[int]:
    """Return the keys of birds, in their order."""
    return list(Bird.objects.filter(**filters).order_by("pk").values_list("pk", flat=True))


def test_all_that_was_missed_is_told_and_then_the_news(web: Web, field: Field) -> None:
    """Far more than what a page is told, by filters too, and across gaps between the keys."""
    field.hear(3 * RESUMED + 7)
    with connection.cursor() as cursor:
        cursor.execute(SKIP[connection.vendor], [3 * LOOKED_THROUGH])
    field.hear(5)
    node, species = field.nodes[0].pk, field.species[1]
    with (
        web.told("?since=0") as all_,
        web.told(f"?since=0&node={node},{field.nodes[1].pk}&node=999") as both,
        web.told(f"?since=0&species={species.name}") as wrens,
    ):
        for it in (all_, both, wrens):
            it.read("heartbeat")
        field.hear(2)
        for it in (all_, both):
            it.read_birds(len(keys()))
            assert it.ids == keys()
        wrens.read_birds(len(keys(species=species)))
        assert wrens.ids == keys(species=species)
        assert max(len(said["birds"]) for said in all_.of("birds")) <= AT_ONCE


def test_a_species_by_its_exact_name(web: Web, field: Field) -> None:
    """Where a value ends, and whether it is an id, is never guessed of it."""
    names = ("Robin, European", str(field.species[0].pk))
    for species, name in zip(field.species, names, strict=True):
        Species.objects.filter(pk=species.pk).update(name=name)
    field.hear(6)
    first, second = (keys(species=it) for it in field.species)
    for query, wanted in {
        "species_name=Robin%2C+European": first,
        f"species_name={names[1]}": second,
        f"species={names[1]}": first,
        f"species_name=Robin%2C+European&species_name={names[1]}": keys(),
    }.items():
        with web.told(f"?since=0&{query}") as program:
            program.read("heartbeat")
            program.read_birds(len(wanted))
            assert program.ids == wanted


def test_whoever_comes_again_in_the_midst_of_it_gets_each_bird_once(web: Web, field: Field) -> None:
    done = threading.Event()

    def write() -> None:
        try:
            for count in range(120):
                field.hear(1 + 10 * (count % 9))
        finally:
            done.set()
            connection.close()

    told: list[int] = []
    query = "?since=0"
    token = token_of("viewer")
    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set() or told != keys():
        with web.told(query, token=token) as program:
            program.read("heartbeat")
            program.read_until(
                lambda: program.ids or (done.is_set() and program.seen >= keys()[-1])
            )
            told += program.ids
            query = program.resume
    writer.join()
    assert told == keys()


def test_deletions_are_told_in_whichever_way_they_come(web: Web, field: Field) -> None:
    birds = field.hear(40)
    species = field.species[1].pk
    with web.told() as program, web.told(f"?species={species}") as wrens:
        for it in (program, wrens):
            it.read("heartbeat")
        expected = [birds[0].pk]
        birds[0].delete()
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM birds_bird WHERE id IN (%s, %s)", [it.pk for it in birds[1:3]]
            )
        expected += [it.pk for it in birds[1:3]]
        with transaction.atomic():
            Bird.objects.filter(pk=birds[4].pk).delete()
            transaction.set_rollback(True)
        gone = sorted(keys(node=field.nodes[0]))
        remove(field.nodes[0])
        program.read_until(lambda: len(program.deleted) >= 3 + len(gone))
        assert program.deleted[:1] == expected[:1]
        assert sorted(program.deleted[:3]) == expected
        assert sorted(program.deleted[3:]) == gone
        query = program.resume
        left = keys()
        field.species[1].delete()
        wrens.read_until(lambda: len(wrens.deleted) >= 1 + len(left))
        assert sorted(wrens.deleted) == sorted([birds[1].pk, *left])
        assert not wrens.of("report")
    with web.told(query) as again:
        again.read("heartbeat")
        again.read_until(lambda: sorted(set(again.deleted)) == sorted({*again.deleted, *left}))
        assert set(left) <= set(again.deleted) <= {*left, *expected, *gone}


def test_what_was_deleted_since_it_was_read_is_told_to_whoever_comes_again_in_between(
    database: Database, start: "Callable[..., Web]", field: Field
) -> None:
    web = start(database, BIRDWATCHER_WEB_WORKERS="1")
    birds = field.hear(5)
    with web.told("?since=0") as first, web.told("?since=0") as second:
        for it in (first, second):
            it.read_birds(5)
        key = birds[2].pk
        birds[2].delete()
        first.read_until(lambda: first.deleted == [key])
        # From what was read for the others, in which the bird still is.
        with web.told("?since=0") as late:
            late.read_birds(5)
            assert late.deleted == []
            query = late.resume
    with web.told(query) as again:
        again.read_until(lambda: again.deleted == [key])
    assert not again.ids


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_deletions_are_told_in_the_order_of_commits(
    web: Web, field: Field, database: Database
) -> None:
    """One begins first, and commits last; and all of it at once."""

    first, second, *_ = field.hear(2100)
    with web.told() as program, psycopg.connect(database.url) as other:
        program.read("heartbeat")
        other.execute("DELETE FROM birds_bird WHERE id = %s", [first.pk])
        Bird.objects.filter(pk=second.pk).delete()
        other.commit()
        program.read_until(lambda: len(program.deleted) >= 2)
        assert program.deleted == [first.pk, second.pk]
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM birds_bird WHERE id <= %s", [first.pk + 2001])
        program.read_until(lambda: len(program.deleted) >= 2002)
        assert sorted(program.deleted) == list(range(first.pk, first.pk + 2002))
        assert max(len(said["ids"]) for said in program.of("deleted")) <= AT_ONCE
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE birds_bird RESTART IDENTITY")
        program.read_until(lambda: program.of("deleted")[-1]["everything"])
        # Whatever came after it, and was told before, is not meant.
        assert program.of("deleted")[-1]["everything_up_to"] == first.pk + 2099


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_deletions_that_are_forgotten_before_they_can_be_told_are_said_to_be_missed(
    ports: PortBlock, field: Field, database: Database
) -> None:
    first, second = field.hear(2)
    with (
        served_here(ports.take(), heartbeat=0.1) as address,
        ProgramFollower(address, token=token_of("viewer")) as program,
        psycopg.connect(database.url) as other,
    ):
        program.read("heartbeat")
        other.execute("DELETE FROM birds_bird WHERE id = %s", [first.pk])
        second.delete()
        Deletion.objects.update(at=timezone.now() - Deletion.PROMISED_FOR)
        program.read("deletions_missed")
        assert not program.deleted
        other.commit()
        program.read_until(lambda: len(program.deleted) == 2)


def test_deletions_of_long_ago_are_said_to_be_missed(web: Web, field: Field) -> None:
    (bird,) = field.hear()
    key = bird.pk
    with web.told() as program:
        program.read("heartbeat")
        place, _, at = program.of("heartbeat")[0]["deletions"].rpartition(".")
    bird.delete()
    for ago, missed in ((0, 0), (Deletion.PROMISED_FOR.total_seconds(), 1)):
        with web.told(f"?deleted_since={place}.{int(int(at) - ago - missed)}") as again:
            again.read_until(lambda it=again: it.deleted)
            assert len(again.of("deletions_missed")) == missed
            assert again.deleted == [key]


def test_a_report_after_every_so_many_birds(
    database: Database, start: "Callable[..., Web]", field: Field
) -> None:
    web = start(database, BIRDWATCHER_WEB_WORKERS="1", BIRDWATCHER_REPORT_EVERY="50")
    with web.told(f"?node={field.nodes[1].pk}") as program, web.follow_from_now() as page:
        program.read("heartbeat", 2)  # the first one may come before the news do
        with transaction.atomic():
            birds = field.hear(61)
            counting.count(birds)
        program.read("report")
        assert program.of("report") == [
            {
                "type": "report",
                "total": 61,
                "nodes": [
                    {"id": field.nodes[0].pk, "name": "Moor 1", "birds": 31, "percent": 50.82},
                    {"id": field.nodes[1].pk, "name": "Moor 2", "birds": 30, "percent": 49.18},
                ],
            }
        ]
        page.read_birds(61)
        assert {said["type"] for said in page.messages} == {"heartbeat", "birds"}


def test_who_may_follow(database: Database, web: Web, field: Field) -> None:
    token, cookie = token_of("viewer"), cookie_of(log_in("person"))
    make_user("nobody", may_read=False)
    expired = token_of("viewer", expires_at=timezone.now() - datetime.timedelta(seconds=1))
    refused = {"": 4401, "nonsense": 4401, expired: 4401, token_of("nobody"): 4403}
    for secret, code in refused.items():
        with web.told("?since=0", token=secret) as program:
            assert program.closed()[0] == code
            assert program.messages == []
    with web.told(token=token) as program:
        program.read("heartbeat")
    for origin in (None, f"http://{web.address}"):
        with web.told(origin=origin, additional_headers={"Cookie": cookie}) as program:
            program.read("heartbeat")
    for asking in ({"additional_headers": {"Cookie": cookie}}, {"token": token}):
        with pytest.raises(InvalidStatus), web.told(origin="http://elsewhere.example", **asking):
            pass


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nonsense_is_refused_with_a_sentence(web: Web, field: Field) -> None:
    token = token_of("viewer")
    for query, reason in {
        "since=x": "since must be an id, a whole number.",
        f"node={2**63}": "node must be an id, a whole number.",
        "node=": "node is empty.",
        "species=Dodo": "There is no species 'Dodo'.",
        "species=" + 60 * "%F0%9F%90%A6": "There is no species '" + 25 * "🐦",
        "species=a%00": "species has a null character.",
        "deleted_since=1": "deleted_since must be what a heartbeat told as deletions.",
        "sinc=1": "There is no parameter 'sinc'.",
        "node=" + ",".join(["1"] * 101): "node may have 100 values at most.",
    }.items():
        with web.told(f"?{query}", token=token) as program:
            assert program.closed() == (4400, reason)


def test_a_token_that_ends_ends_the_connection(ports: PortBlock, field: Field) -> None:
    with served_here(ports.take(), recheck=0.05) as address:
        for end in ({"revoked_at": timezone.now()}, {"expires_at": timezone.now()}):
            secret = token_of("viewer")
            with ProgramFollower(address, token=secret) as program:
                program.read("heartbeat")
                ApiToken.objects.update(**end)
                assert program.closed() == (
                    4401,
                    "Nobody is logged in: a valid token or session is needed.",
                )
        with ProgramFollower(address, token=token_of("viewer")) as program:
            program.read("heartbeat")
            User.objects.get().groups.clear()
            assert program.closed()[0] == 4403


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_there_is_an_end_to_how_many_may_follow(
    ports: PortBlock, field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota, "MOST", 1)
    monkeypatch.setattr(quota, "FOR_PAGES", 0)
    secret = token_of("viewer")
    with served_here(ports.take()) as address:
        with ProgramFollower(address, token=secret) as first:
            first.read("heartbeat")
            with ProgramFollower(address, token=secret) as second:
                assert second.closed() == (1013, "Too many follow already; try again later.")
        # Whoever goes makes room, as soon as the server has heard of it.
        wait_until(lambda: follows(address, secret), timeout=STARTING, message="there is room")


def follows(address: str, secret: str) -> bool:
    """Whether one more may follow."""
    with ProgramFollower(address, token=secret) as program:
        try:
            program.read("heartbeat")
        except ConnectionClosed:
            return False
    return True


def test_who_takes_too_little_is_dropped_with_a_reason(ports: PortBlock, field: Field) -> None:
    token = token_of("viewer")
    with (
        served_here(ports.take(), queue=5) as address,
        ProgramFollower(address, token=token) as program,
        ProgramFollower(
            address,
            token=token,
            sock=narrow_socket(address),
            compression=None,
            max_queue=1,
            ping_interval=None,
        ) as slow,
    ):
        for it in (program, slow):
            it.read("heartbeat")
        birds = field.hear(20_000, name_length=250)
        program.read_birds(20_000)
        assert slow.closed() == (4408, "Too little was taken; come again with the last id.")
        assert slow.ids == [bird.pk for bird in birds][: len(slow.ids)]
        with ProgramFollower(address, token=token, query=f"?since={slow.seen}") as again:
            again.read_birds(20_000 - len(slow.ids))
            assert slow.ids + again.ids == program.ids

"""Programs follow a daemon that is ingesting: in whichever way, they have the same birds."""

from collections.abc import Callable

from tests.support.follower import ProgramFollower
from tests.support.outside import Outside
from tests.support.park import Park
from tests.support.program import token_of

BEFORE, BETWEEN = 120, 7


def test_the_same_birds_by_cursor_and_by_file(park: Park, start_api: Callable[..., str]) -> None:
    program = Outside(start_api(), token_of("viewer", "read"))
    station = park.add("Dartmoor")
    field, query = station.field, f"node={station.id}&page_size=25"
    field.send(BEFORE)
    station.wait_for_birds()
    there = {bird["id"] for bird in program.export(query.partition("&")[0])}

    for order in ("-timestamp", "timestamp"):
        met = []
        for page in program.pages(f"{query}&ordering={order}"):
            met += [bird["id"] for bird in page]
            field.send(BETWEEN)  # newer ones, before or behind the page
        assert len(met) == len(set(met))
        assert there <= set(met)

    station.wait_for_birds()
    walked, exported = program.walk(query), program.export(f"node={station.id}")
    assert [bird["id"] for bird in walked] == [bird["id"] for bird in exported]
    assert sorted((bird["species"], bird["name"]) for bird in walked) == sorted(
        (bird.species, bird.name) for bird in field.sent
    )
    count = program.get(f"{program.url}/nodes/{station.id}/count?ts=9999-12-31T00:00:00Z")
    assert count["count"] == len(field.sent)
    park.bystander_noticed_nothing()


def test_the_same_birds_by_a_websocket_that_is_torn_again_and_again(
    park: Park, start_api: Callable[..., str]
) -> None:
    secret = token_of("viewer", "read")
    api = start_api()
    station = park.add("Dartmoor")
    told: list[int] = []
    for turn in range(6):
        station.field.send(BEFORE)
        since = told[-1] if told else 0
        query = f"?node={station.id}&since={since}"
        address = api.removeprefix("http://").partition("/")[0]
        with ProgramFollower(address, token=secret, query=query) as program:
            # In the midst of what it missed, or of what is new.
            station.field.send(BETWEEN)
            if turn == 5:
                station.wait_for_birds()
                program.read_birds(len(station.field.sent) - len(told))
            else:
                program.read_until(lambda it=program: it.ids)
                program.tear()
        told += program.ids
    outside = Outside(api, secret)
    assert told == sorted(bird["id"] for bird in outside.export(f"node={station.id}"))

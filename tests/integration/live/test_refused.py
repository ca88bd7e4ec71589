"""Who may not follow the birds, and those who take too little of them."""

from collections.abc import Callable

import pytest
from websockets.exceptions import InvalidStatus

from tests.support.databases import Database
from tests.support.follower import Follower, cookie_of, log_in
from tests.support.livefeed import Field, Web, served_here
from tests.support.ports import PortBlock
from tests.support.slow import narrow_socket


def test_nobody_is_told_who_may_not_see_birds(web: Web, field: Field) -> None:
    field.hear()
    refused = cookie_of(log_in("nobody", may_read=False))
    nul = r'sessionid="\000aaaaaaaaa"'  # a cookie's way to write the character NUL
    for cookie, code in {"": 4401, "sessionid=nonsense": 4401, nul: 4401, refused: 4403}.items():
        with web.follow("?since=0", cookie=cookie) as page:
            assert page.closed_with() == code
            assert page.messages == []


def test_a_setting_opens_it_to_everybody(
    database: Database, start: Callable[..., Web], field: Field
) -> None:
    web = start(database, BIRDWATCHER_PUBLIC="1")
    with web.follow_from_now(cookie="") as page:
        field.hear()
        page.read_birds(1)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nonsense_is_refused(web: Web) -> None:
    species = f"?species={2**63}"
    for query in ("?since=x", "?since=-1", "?node=1.5", species, "?since=%E4", "?since=1_0"):
        with web.follow(query) as page:
            assert page.closed_with() == 4400, query


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_pages_of_elsewhere_are_refused(web: Web) -> None:
    host, _, port = web.address.partition(":")
    for origin in (
        "http://elsewhere.example",
        "null",
        "http://127.0.0.1.example",
        f"http://{host}",
        f"http://{host}:{int(port) + 1}",
        f"https://{web.address}",
    ):
        with pytest.raises(InvalidStatus) as refusal:
            web.follow(origin=origin)
        assert refusal.value.response.status_code == 403


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_other_addresses_are_refused_and_what_is_said_to_it_is_passed_over(
    web: Web, field: Field
) -> None:
    with web.follow_from_now() as page:
        for said in ("hello", b"\0" * 1000, '{"type": "birds"}'):
            page.say(said)
        field.hear()
        page.read_birds(1)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_who_takes_too_little_is_let_go_and_the_others_hear_all(web: Web, field: Field) -> None:
    with web.follow_from_now() as page, slow_follower(web.address, web.cookie) as slow:
        for number in range(1, 8):
            field.hear(10_000, name_length=250)
            page.read_birds(10_000 * number)
        assert page.ids == list(range(page.ids[0], page.ids[0] + 70_000))
        # By us, or by the server itself, which sees that nothing at all is taken for a while.
        assert slow.closed_with() in {4408, 1006}
        assert slow.ids == page.ids[: len(slow.ids)]
        with web.follow(f"?since={slow.seen}") as again:
            again.read("heartbeat")
            left_out = again.messages[0]["count"]
            assert len(slow.ids) + left_out + len(again.ids) == 70_000


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_who_takes_too_little_is_told_so(ports: PortBlock, field: Field) -> None:
    cookie = cookie_of(log_in())
    with (
        served_here(ports.take(), queue=5) as address,
        Follower(address, cookie=cookie) as page,
        slow_follower(address, cookie) as slow,
    ):
        page.read("heartbeat")
        birds = field.hear(20_000, name_length=250)
        page.read_birds(20_000)
        assert slow.closed_with() == 4408
        assert slow.ids == [bird.pk for bird in birds][: len(slow.ids)]
        assert len(slow.ids) < 20_000


def slow_follower(address: str, cookie: str) -> Follower:
    """Follow the birds on a socket for which the system keeps little that was not read."""
    slow = Follower(
        address,
        cookie=cookie,
        sock=narrow_socket(address),
        compression=None,
        max_queue=1,
        ping_interval=None,
    )
    slow.read("heartbeat")
    return slow

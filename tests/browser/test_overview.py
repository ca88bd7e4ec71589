"""The open overview: birds appear on it, also those that came while there was no web server."""

from collections.abc import Callable

import pytest

from birdwatcher.nodes.models import Node
from tests.browser.site import Site, heard, send
from tests.support.chromium import Chromium
from tests.support.daemon import Daemon
from tests.support.databases import Database
from tests.support.fieldnode import FieldNode
from tests.support.waiting import STARTING, Promise, wait_until

pytestmark = pytest.mark.xdist_group("browser")

NAMES = "#feed-lines .feed-name"
KEPT = "window.keptBy = 'the test'"


@pytest.fixture
def field(
    database: Database,
    start_daemon: Callable[..., Daemon],
    field_node: Callable[..., FieldNode],
) -> FieldNode:
    """A node to which the daemon is connected."""
    field = field_node()
    Node.objects.create(name="Dartmoor", ip_address=field.host, port=field.port)
    start_daemon(database)
    wait_until(field.connected, timeout=STARTING, message="the daemon connects")
    return field


def wait_for_state(browser: Chromium, *words: str) -> None:
    """Wait until the page says so of its connection."""
    wait_until(
        lambda: browser.text("#feed-state").startswith(words),
        timeout=STARTING,
        message=lambda: f"the page says {words}; it says {browser.texts('#feed-state')}",
    )


def open_overview(browser: Chromium, log_in: Callable[[str], None]) -> None:
    """Look at the overview as a viewer."""
    log_in("viewer")
    browser.open("/")
    wait_for_state(browser, "live")
    browser.run(KEPT)


def was_not_reloaded(browser: Chromium) -> bool:
    """Whether the page is the one that was opened."""
    return browser.run("return window.keptBy") == "the test"


def test_a_bird_appears_on_the_open_page(
    field: FieldNode, browser: Chromium, log_in: Callable[[str], None], promise: Promise
) -> None:
    open_overview(browser, log_in)
    for name in ("Bob", "Åsa 🐦", "<b>&amp;</b>"):
        send(field, heard(name))
        promise(
            "a bird appears on the open overview",
            lambda name=name: browser.texts(NAMES)[:1] == [name],
        )
    assert browser.text("#feed-lines .feed-species") == "Erithacus rubecula"
    assert browser.text("#feed-lines .feed-where a") == "Dartmoor"
    assert was_not_reloaded(browser)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_restart_of_the_web_server_loses_no_bird(
    field: FieldNode, site: Site, browser: Chromium, log_in: Callable[[str], None]
) -> None:
    open_overview(browser, log_in)
    send(field, heard("before"))
    wait_until(
        lambda: browser.texts(NAMES) == ["before"], timeout=STARTING, message="the first bird"
    )
    assert site.program.stop() == 0
    wait_for_state(browser, "reconnecting since")
    assert "no birds will be missing" in browser.text("#feed-note")
    send(field, *(heard(f"meanwhile {number}") for number in range(20)))
    wait_until(
        lambda: browser.texts(".refresher-stale"), timeout=STARTING, message="the numbers are stale"
    )

    site.start()
    wait_for_state(browser, "live")
    send(field, heard("after"))
    expected = ["after", *(f"meanwhile {number}" for number in reversed(range(20))), "before"]
    wait_until(
        lambda: browser.text(NAMES) == "after",
        timeout=STARTING,
        message=lambda: f"the last bird; there are {browser.texts(NAMES)}",
    )
    assert browser.texts(NAMES) == expected
    assert not browser.texts("#feed-note")
    wait_until(
        lambda: browser.texts("#now .tile-number")[1:2] == ["22"],
        timeout=STARTING,
        message=lambda: f"22 birds in the last hour; {browser.texts('#now .tile-number')}",
    )
    assert was_not_reloaded(browser)
    # While there was no server, the console said so.
    assert all(site.base[len("http") :] in it for it in browser.complaints())

"""The open list of nodes: what happens to them is seen on it, without a click."""

from collections.abc import Callable

import pytest

from birdwatcher.nodes.models import Node
from tests.browser.site import Site
from tests.support.chromium import Chromium
from tests.support.daemon import Daemon
from tests.support.databases import Database
from tests.support.fieldnode import FieldNode
from tests.support.waiting import STARTING, Promise, wait_until

pytestmark = pytest.mark.xdist_group("browser")

STATE = ".cell-state .badge"


def wait_for_word(browser: Chromium, word: str) -> None:
    """Wait until the page says so of its one node."""
    wait_until(
        lambda: browser.texts(STATE) == [word],
        timeout=STARTING,
        message=lambda: f"the node is {word}; the page says {browser.texts('#nodes')}",
    )


def add_in_the_admin(browser: Chromium, field: FieldNode) -> None:
    """Add the node through the admin's form."""
    browser.open("/admin/nodes/node/add/")
    for name, value in {"name": "Exmoor", "ip_address": field.host, "port": field.port}.items():
        browser.type(f"#id_{name}", str(value))
    browser.follow("[name=_save]")
    assert "was added successfully" in browser.text(".messagelist")


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_node_comes_and_goes_on_the_open_page(
    database: Database,
    browser: Chromium,
    log_in: Callable[[str], None],
    start_daemon: Callable[..., Daemon],
    field_node: Callable[..., FieldNode],
    promise: Promise,
) -> None:
    start_daemon(database)
    log_in("admin")
    browser.open("/nodes/")
    assert "No nodes yet" in browser.text("#nodes")
    field = field_node()
    with browser.other_window():
        add_in_the_admin(browser, field)
    promise(
        "a node added in the admin is connected on the open page",
        lambda: browser.texts(STATE) == ["connected"],
        within=5,
    )
    assert browser.text("#chip-connected .chip-count") == "1"

    field.close()
    promise(
        "a node that stopped is not connected on the open page",
        lambda: browser.texts(STATE) == ["backing off"],
        within=5,
    )
    # At first because it closed the connection.
    wait_until(
        lambda: "refused" in browser.text(".cell-state"),
        timeout=STARTING,
        message=lambda: browser.text(".cell-state"),
    )
    field.listen()
    promise(
        "a node that returned is connected on the open page",
        lambda: browser.texts(STATE) == ["connected"],
        within=8,
    )


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_open_page_says_when_nobody_knows(
    database: Database,
    site: Site,
    browser: Chromium,
    log_in: Callable[[str], None],
    start_daemon: Callable[..., Daemon],
    field_node: Callable[..., FieldNode],
) -> None:
    field = field_node()
    Node.objects.create(name="Exmoor", ip_address=field.host, port=field.port)
    daemon = start_daemon(database)
    log_in("viewer")
    browser.open("/nodes/")
    wait_for_word(browser, "connected")
    assert daemon.stop() == 0
    wait_for_word(browser, "unknown")
    assert "The daemon was stopped" in browser.text("#gone")

    assert site.program.stop() == 0
    wait_until(
        lambda: browser.text(".refresher-stale"), timeout=STARTING, message="the page is stale"
    )
    site.start()
    start_daemon(database)
    wait_for_word(browser, "connected")
    assert browser.texts(".refresher-stale") == []
    assert all(site.base in it for it in browser.complaints())


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_operator_disables_and_enables_on_the_page(
    database: Database,
    browser: Chromium,
    log_in: Callable[[str], None],
    start_daemon: Callable[..., Daemon],
    field_node: Callable[..., FieldNode],
) -> None:
    field = field_node()
    node = Node.objects.create(name="Exmoor", ip_address=field.host, port=field.port)
    daemon = start_daemon(database)
    log_in("operator")
    browser.open("/nodes/")
    wait_for_word(browser, "connected")
    process = daemon.nodes()[node.pk].pid
    browser.follow(f"#restart-{node.pk}")
    wait_until(
        lambda: daemon.connected_anew(node.pk, process),
        timeout=STARTING,
        message="another process is connected to the node",
    )
    browser.follow(f"#disable-{node.pk}")
    assert "Disabled" in browser.text(".notice")
    wait_for_word(browser, "disabled")
    wait_until(lambda: not field.connections(), timeout=STARTING, message="the node is left alone")
    browser.follow(f"#enable-{node.pk}")
    wait_for_word(browser, "connected")
    assert field.connected()

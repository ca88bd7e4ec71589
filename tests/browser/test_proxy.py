"""The web UI behind a proxy, under a path and on a port other than 443."""

from collections.abc import Callable
from pathlib import Path

import pytest

from birdwatcher.birds.models import Bird, Species
from birdwatcher.nodes.models import Node
from tests.browser.site import ADMIN, PASSWORD, make_user
from tests.support import nginx
from tests.support.chromium import Chromium
from tests.support.databases import Database
from tests.support.ports import PortBlock
from tests.support.processes import Processes
from tests.support.waiting import STARTING, wait_until

pytestmark = pytest.mark.xdist_group("browser")

PREFIX = "/birdwatcher"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_pages_admin_live_feed_and_api(
    one_chromium: Chromium,
    database: Database,
    processes: Processes,
    ports: PortBlock,
    tmp_path: Path,
    promise: Callable[..., object],
) -> None:
    browser, web, port = one_chromium, f"127.0.0.1:{ports.take()}", ports.take()
    nginx.start(processes, tmp_path, port, web, PREFIX)
    server = processes.manage("serve", web, env=database.env | nginx.variables(PREFIX))
    server.wait_for_line(r"web: listening on http://")
    make_user(ADMIN)
    node = Node.objects.create(name="Dartmoor", ip_address="10.0.3.2", port=9999)
    browser.fresh(f"https://{nginx.HOST}:{port}")
    # Log in by the form, whose origin has the port.
    browser.open(f"{PREFIX}/")
    browser.type("#id_username", ADMIN)
    browser.type("#id_password", PASSWORD)
    browser.follow("main form button")
    assert browser.url == f"{PREFIX}/"
    wait_until(
        lambda: browser.text("#feed-state").startswith("live"),
        timeout=STARTING,
        message=lambda: f"the feed is live; it says {browser.texts('#feed-state')}",
    )
    species = Species.objects.create(name="Erithacus rubecula")
    Bird.objects.create(timestamp="2026-05-01T08:46:00Z", name="Robin", species=species, node=node)
    promise(
        "a bird appears behind a proxy",
        lambda: browser.texts("#feed-lines .feed-name") == ["Robin"],
        within=2.0,
    )
    browser.open(f"{PREFIX}/api/v1/")
    wait_until(
        lambda: browser.texts(".opblock-summary-path"), timeout=STARTING, message="the API is shown"
    )
    browser.open(f"{PREFIX}/admin/nodes/node/{node.pk}/change/")
    browser.type("#id_name", "Exmoor")
    browser.follow("[name=_save]")
    assert browser.url == f"{PREFIX}/admin/nodes/node/"
    assert Node.objects.get().name == "Exmoor"
    # A form in JavaScript's hands: the browser's zone is kept in a cookie of this path.
    browser.forget_cookie("timezone")
    browser.open(f"{PREFIX}/nodes/")
    wait_until(
        lambda: "timezone=" in browser.run("return document.cookie"),
        timeout=STARTING,
        message="the zone is kept",
    )
    complaints = browser.complaints()
    browser.open("about:blank")
    assert complaints == []

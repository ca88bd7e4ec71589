"""Every page, as people of each role see it: nothing in the console, nothing beside the screen.

The console also tells what the content security policy forbade.
"""

from collections.abc import Callable

import pytest
from selenium.webdriver.common.keys import Keys

from birdwatcher.birds.models import Bird, SetAsideEvent, Species
from birdwatcher.nodes.models import Node, RejectedPacket
from tests.browser.site import PASSWORD, heard, make_user, send
from tests.support.chromium import NARROW, WIDE, ZONE, Chromium
from tests.support.daemon import Daemon
from tests.support.databases import POSTGRESQL, SQLITE, Database
from tests.support.fieldnode import FieldNode
from tests.support.packets import packet
from tests.support.waiting import STARTING, wait_until

pytestmark = pytest.mark.xdist_group("browser")

WIDEST_NAME = "Northumberland National Park, Upper Coquetdale, beside the weir " * 4
THEME = "return document.documentElement.dataset.theme"
CANVASES = """
return [...document.querySelectorAll("canvas[data-chart]")].every((it) => it.width > 0)
"""

INJECTED = """
const script = document.createElement("script");
script.textContent = "window.injected = true";
document.body.append(script);
"""

PAGES = ("/", "/nodes/", "/birds/", "/species/", "/system/", "/password/", "/tokens/", "/api/v1/")
PAGES_WITH_DATA = (
    "/nodes/{node}/",
    "/nodes/{node}/?over=7d",
    "/nodes/{node}/set-aside/",
    "/species/{species}/",
    "/birds/?node={node}&past=today",
    "/birds/?clock=doubtful",
    "/birds/?past=nonsense&node=nonsense",
)
ADMIN_PAGES = (
    "/admin/",
    "/admin/nodes/node/",
    "/admin/nodes/node/{node}/change/",
    "/admin/nodes/node/{node}/delete/",
    "/admin/birds/bird/",
    "/admin/birds/species/",
)


@pytest.fixture
def keys(
    database: Database,
    start_daemon: Callable[..., Daemon],
    field_node: Callable[..., FieldNode],
) -> dict[str, int]:
    """A network in which there is something of everything: what to put into the addresses."""
    field, nobody = field_node(), field_node()
    nobody.close()
    node = Node.objects.create(name="Dartmoor", ip_address=field.host, port=field.port)
    Node.objects.create(name=WIDEST_NAME[:255], ip_address=nobody.host, port=nobody.port)
    Node.objects.create(name="Kielder", ip_address="10.0.3.4", port=9999, enabled=False)
    start_daemon(database)
    wait_until(field.connected, timeout=STARTING, message="the daemon connects")
    send(field, *(heard(f"Bob {number}") for number in range(60)))
    send(field, heard("Z" * 255, "Turdus " * 36))
    field.send()  # one with a time long ago
    field.send_raw(packet(b"\xff{ this is no bird, but long: " + b"x" * 2000))
    wait_until(
        lambda: Bird.objects.count() == 62 and RejectedPacket.objects.exists(),
        timeout=STARTING,
        message=lambda: f"62 birds; there are {Bird.objects.count()}",
    )
    Node.objects.filter(pk=node.pk).update(new_species_a_day=0)
    send(field, *(heard("Al", "Corvus " * number) for number in (1, 36)))
    wait_until(lambda: SetAsideEvent.objects.count() == 2, timeout=STARTING, message="set aside")
    return {"node": node.pk, "species": Species.objects.get(name="Erithacus rubecula").pk}


def look_at(browser: Chromium, path: str) -> list[str]:
    """Look at a page on a wide screen and a narrow one, in light and dark; return what is wrong."""
    wrong = []

    def look(how: str) -> None:
        beside = [f"beside the screen: {element}" for element in browser.sticking_out()]
        wrong.extend(f"{path}, {how}: {it}" for it in [*browser.complaints(), *beside])

    browser.resize(WIDE)
    browser.open(path)
    wait_until(lambda: browser.run(CANVASES), timeout=STARTING, message="charts are drawn")
    look("wide")
    switch_theme(browser)
    look("wide, the other theme")
    # Anew: a chart or a menu may be made in another way there.
    browser.resize(NARROW)
    browser.open(path)
    wait_until(lambda: browser.run(CANVASES), timeout=STARTING, message="charts are drawn")
    look("narrow")
    switch_theme(browser)
    look("narrow, the other theme")
    return wrong


def switch_theme(browser: Chromium) -> None:
    """Press the button until the theme is dark where it was light, and the other way round."""
    wanted = "light" if browser.run(THEME) == "dark" else "dark"
    for _ in range(3):
        if browser.run(THEME) != wanted:
            browser.click("#theme")
    assert browser.run(THEME) == wanted


@pytest.mark.parametrize(
    ("database", "role"),
    [(SQLITE, "viewer"), (POSTGRESQL, "admin")],
    indirect=["database"],
)
def test_no_page_complains(
    keys: dict[str, int], role: str, browser: Chromium, log_in: Callable[[str], None]
) -> None:
    log_in(role)
    paths = [*PAGES, *PAGES_WITH_DATA, *(["/audit/"] if role == "admin" else [])]
    wrong = [it for path in paths for it in look_at(browser, path.format(**keys))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_admin_does_not_complain(
    keys: dict[str, int], browser: Chromium, log_in: Callable[[str], None]
) -> None:
    log_in("admin")
    for path in ADMIN_PAGES:
        browser.open(path.format(**keys))
        assert browser.texts("#content"), f"{path} leads to {browser.url}"
        assert browser.complaints() == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_empty_pages_do_not_complain(browser: Chromium, log_in: Callable[[str], None]) -> None:
    log_in("viewer")
    wrong = [it for path in PAGES for it in look_at(browser, path)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_script_that_got_into_a_page_does_not_run(
    browser: Chromium, log_in: Callable[[str], None]
) -> None:
    log_in("viewer")
    browser.open("/")
    browser.run(INJECTED)
    assert browser.run("return window.injected") is None
    (complaint,) = browser.complaints()
    assert "Content Security Policy" in complaint


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_stranger_logs_in_by_keyboard(browser: Chromium) -> None:
    make_user("viewer")
    browser.forget_cookie("timezone")
    browser.open("/nodes/?sort=name")
    assert browser.url.startswith("/login/")
    assert look_at(browser, browser.url) == []
    # The browser has told its zone, and the page was loaded again for it.
    assert browser.text(".zone strong") == ZONE
    browser.resize(WIDE)
    browser.open("/nodes/?sort=name")
    wait_until(
        lambda: browser.focused() == "id_username",
        timeout=STARTING,
        message=lambda: f"the first field has the keyboard; {browser.focused()} has",
    )
    browser.leave(lambda: browser.press("viewer", Keys.TAB, PASSWORD, Keys.ENTER))
    wait_until(
        lambda: browser.text("h1") == "Nodes",
        timeout=STARTING,
        message=lambda: f"the page that was wanted; it is {browser.url}",
    )
    assert browser.url == "/nodes/?sort=name"
    browser.press(Keys.TAB)
    assert browser.focused() == "Skip to the content"
    browser.press(Keys.ENTER)
    assert browser.focused() == "content"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_api_is_tried_out_on_its_page(browser: Chromium, log_in: Callable[[str], None]) -> None:
    """The schema is shown, and what is tried out is done in the session's name."""
    log_in("admin")
    browser.open("/api/v1/")
    add = "#operations-species-species_create"
    wait_until(lambda: browser.texts(add), timeout=STARTING, message="the operations are listed")
    browser.click(f"{add} button.opblock-summary-control")
    for button in (f"{add} .try-out__btn", f"{add} button.execute"):
        wait_until(lambda: browser.texts(button), timeout=STARTING, message=button)  # noqa: B023
        browser.click(button)
    wait_until(lambda: Species.objects.exists(), timeout=STARTING, message="the species is added")

"""The web UI behind a proxy, as the documents set it up: at the root of a host, or under a path."""

import http.client
import json
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.support import documents, nginx
from tests.support.databases import Database
from tests.support.flock import make_flock
from tests.support.ports import PortBlock
from tests.support.processes import Processes
from tests.support.waiting import STARTING
from tests.support.web import Browser

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

PREFIX = "/birdwatcher"
# What a page leads to by itself or by a click, and what it sends forms to.
LED = re.compile(r'(?:href|src|hx-get|data-[a-z-]*(?:url|schema|root))="([^"]+)"')
SENT = re.compile(r'(?:action|hx-post)="([^"]+)"')
PAGES = 32  # that are opened at most
# The other places are like these.
NOT_OPENED = re.compile(
    r"/static/(?!.*(overview|base|theme|bird))|/0/|/delete/|/admin/(axes|auth)/|="
)
LISTENS = r"web: listening on http://"


@dataclass
class Site:
    """The web UI behind nginx at `base`, and the address at which nginx finds it."""

    base: str
    prefix: str
    web: str
    trusted: ssl.SSLContext


@pytest.fixture(params=["", PREFIX], ids=["root", "prefix"])
def site(
    request: pytest.FixtureRequest,
    database: Database,
    processes: Processes,
    ports: PortBlock,
    tmp_path: Path,
) -> Site:
    """The web UI behind the documents' nginx, on a port other than 443."""
    web, port = f"127.0.0.1:{ports.take()}", ports.take()
    variables = nginx.variables(request.param)
    hosts = f"{variables['BIRDWATCHER_ALLOWED_HOSTS']},127.0.0.1"
    env = database.env | variables | {"BIRDWATCHER_ALLOWED_HOSTS": hosts}
    trusted = nginx.start(processes, tmp_path, port, web, request.param)
    processes.manage("serve", web, env=env).wait_for_line(LISTENS)
    return Site(f"https://127.0.0.1:{port}", request.param, web, trusted)


@pytest.mark.parametrize("site", [PREFIX], indirect=True)
def test_all_that_a_page_leads_to_is_under_the_path(
    site: Site,
    database: Database,
    create_superuser: Callable[[Database], tuple[str, str]],
) -> None:
    make_flock(seed=1, count=120)
    browser = Browser(site.base, site.trusted)
    name, password = create_superuser(database)
    browser.get(f"{PREFIX}/login/?next={PREFIX}/nodes/")
    browser.submit("password", {"username": name, "password": password})
    assert browser.url == f"{site.base}{PREFIX}/nodes/"
    opened = _open_all(browser, f"{site.base}{PREFIX}/")
    assert {f"{PREFIX}/{it}" for it in ("species/0/", "nodes/0/", "admin/birds/bird/")} <= opened
    assert PREFIX in browser.get(f"{PREFIX}/admin/api/apitoken/")
    assert browser.url == f"{site.base}{PREFIX}/admin/accounts/apitoken/"
    schema = json.loads(browser.get(f"{PREFIX}/api/v1/schema/"))
    (server,) = schema["servers"]
    birds = next(path for path in schema["paths"] if path.endswith("/birds"))
    page = json.loads(browser.get(f"{site.base}{server['url']}{birds}?page_size=50"))
    assert page["next"].startswith(f"{site.base}{PREFIX}/api/v1/birds?")
    assert len(json.loads(browser.get(page["next"]))["results"]) == 50
    assert browser.get(f"{PREFIX}/birds/export/?format=csv").count("\n") > 100


def _open_all(browser: Browser, first: str) -> set[str]:
    """Open what the pages lead to, one of a kind, and return the paths of the kinds."""
    opened, waiting = set(), [first]
    while waiting and len(opened) < PAGES:
        page = waiting.pop(0)
        html = browser.get(page)
        if not html.lstrip().startswith("<!"):
            continue
        for found in (*LED.findall(html), *SENT.findall(html)):
            address = urljoin(page, found.replace("&amp;", "&")).partition("#")[0]
            path = urlsplit(address).path
            assert path.startswith(f"{PREFIX}/"), f"{page} leads to {found}"
            kind = re.sub(r"\d+", "0", path)
            if kind not in opened and found in LED.findall(html) and not NOT_OPENED.search(address):
                opened.add(kind)
                waiting.append(address)
    return opened


def test_cookies_redirects_and_websockets(site: Site) -> None:
    _check_redirects(site)
    _check_websockets(site)


def _check_redirects(site: Site) -> None:
    answer = _ask(site, f"{site.prefix}/login/")
    assert answer.status == 200
    assert f"Path={site.prefix}/;" in answer.headers["Set-Cookie"]
    answer = _ask(site, f"{site.prefix}/nodes/")
    assert answer.headers["Location"] == f"{site.prefix}/login/?next={site.prefix}/nodes/"
    # Monitoring asks without the proxy.
    assert _ask(site, f"{site.prefix}/healthz", site.web).status == 503
    assert _ask(site, f"{site.prefix}/nonsense/").status == 404
    refused = _ask(site, f"{site.prefix}/api/v1/nonsense")
    assert (refused.status, refused.headers["Content-Type"]) == (404, "application/json")
    if site.prefix:
        assert _ask(site, site.prefix).headers["Location"].endswith(f"{site.prefix}/")
        answer = _ask(site, site.prefix, site.web)
        assert (answer.status, answer.headers["Location"]) == (301, f"{site.prefix}/")
        answer = _ask(site, "/nodes/", site.web)
        assert answer.status == 404
        assert b"BIRDWATCHER_PATH_PREFIX is /birdwatcher" in answer.read()


def _check_websockets(site: Site) -> None:
    address = f"wss{site.base.removeprefix('https')}{site.prefix}"
    for path in ("/live/birds", "/api/v1/live"):
        with (
            connect(f"{address}{path}", ssl=site.trusted, origin=site.base, proxy=None) as socket,
            pytest.raises(ConnectionClosed, match="Nobody is logged in"),
        ):
            socket.recv(STARTING)
    for path, origin in (("/live/birds", "https://127.0.0.1"), ("/nonsense", site.base)):
        with pytest.raises(InvalidStatus):
            connect(f"{address}{path}", ssl=site.trusted, origin=origin, proxy=None)


def _ask(site: Site, path: str, direct: str = "") -> http.client.HTTPResponse:
    """Return the answer to a GET through the proxy, or `direct` to the web UI's address."""
    address = site.base.removeprefix("https://")
    connection = (
        http.client.HTTPConnection(direct, timeout=STARTING)
        if direct
        else http.client.HTTPSConnection(address, timeout=STARTING, context=site.trusted)
    )
    connection.request("GET", path, headers={"Connection": "close"})
    return connection.getresponse()


def test_in_the_foreground_pages_need_no_proxy(
    database: Database, processes: Processes, ports: PortBlock
) -> None:
    """As the documents start it, with `export` and `serve`; without that, the log says why not."""
    web, env = f"127.0.0.1:{ports.take()}", dict(database.env)
    del env["BIRDWATCHER_HTTPS"]
    section = documents.section_of("docs/install.md", "## In the foreground")
    exported = re.findall(r"\$ export (BIRDWATCHER_\w+)=(\S+)", section)
    given = {name: value for name, value in exported if "$" not in value}
    assert re.search(r"serve 127\.0\.0\.1:8000 ", section)
    warned = "every page only redirects to HTTPS"
    program = processes.manage("serve", web, env=env)
    program.wait_for_line(LISTENS)
    assert warned in program.text()
    assert program.stop() == 0
    program = processes.manage("serve", web, env=env | given)
    program.wait_for_line(LISTENS)
    assert warned not in program.text()
    assert Browser(f"http://{web}").get("/login/")

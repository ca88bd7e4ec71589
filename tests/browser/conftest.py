"""The browser, and the web UI as it is in production.

What pages and the live feed get from either database is tested without a browser; here most tests
have one of the two.

Nothing that knows models is imported here at once: Django is not set up yet when pytest is given
this folder.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support import requirements
from tests.support.chromium import Chromium, obstacle
from tests.support.databases import Database
from tests.support.ports import PortBlock
from tests.support.processes import Processes

if TYPE_CHECKING:
    from tests.browser.site import Site


@pytest.fixture(scope="session")
def one_chromium(tmp_path_factory: pytest.TempPathFactory, ports: PortBlock) -> Iterator[Chromium]:
    """The one browser of this test process."""
    if reason := obstacle():
        requirements.left_out("chromium", reason)
    chromium = Chromium(tmp_path_factory.mktemp("chromium"), ports.take())
    yield chromium
    chromium.close()


@pytest.fixture
def site(
    one_chromium: Chromium, database: Database, processes: Processes, ports: PortBlock
) -> "Site":
    """The web UI, which serves, and the browser at it; nobody is logged in."""
    from tests.browser.site import Site

    return Site(processes, database, f"127.0.0.1:{ports.take()}", one_chromium)


@pytest.fixture
def browser(site: "Site") -> Iterator[Chromium]:
    """The browser. The test fails if its console holds a complaint that nobody asked for."""
    yield site.chromium
    complaints = site.chromium.complaints()
    site.chromium.open("about:blank")
    if complaints:
        pytest.fail("in the console: " + "\n".join(complaints), pytrace=False)


@pytest.fixture
def log_in(site: "Site") -> Callable[[str], None]:
    """`log_in(role)`: somebody of a group, `viewer`, `operator` or `admin`, in the browser."""
    return site.log_in

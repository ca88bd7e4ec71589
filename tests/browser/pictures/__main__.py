"""`make pictures`: take a picture of each page, light and dark, on a wide screen and a narrow one.

Of the web UI as it is in production, a real daemon, and simulated nodes with a past.
"""

import base64
import itertools
import os
import sys
from pathlib import Path

from tests.support.chromium import NARROW, WIDE, Chromium, obstacle
from tests.support.databases import SQLITE, Database, Databases
from tests.support.ports import PortBlock
from tests.support.processes import Processes
from tests.support.setup import set_up
from tests.support.waiting import STARTING, wait_until

HERE = Path(__file__).parent
PAGES = {
    "overview": "/",
    "nodes": "/nodes/",
    "node": "/nodes/{node}/?over=7d",
    "birds": "/birds/?past=week",
    "all-species": "/species/",
    "species": "/species/{species}/",
    "system": "/system/",
    "api": "/api/v1/",
    "login": "/login/",
}
SCREENS = {"wide": (WIDE, 1100), "narrow": (NARROW, 1500)}  # pixels
ZONE = "Europe/London"
THEMES = ("light", "dark")
QUALITY = 80  # of WebP, of 100: text stays sharp, and a picture is a third of a PNG

HEIGHT = "return document.documentElement.scrollHeight"
SET_THEME = "localStorage.setItem('theme', arguments[0])"
READY = """
const feed = document.getElementById("feed");
return (!feed || feed.dataset.state === "live")
    && [...document.querySelectorAll("canvas[data-chart]")].every((it) => Chart.getChart(it));
"""


def main() -> int:
    """Take all pictures anew."""
    if reason := obstacle():
        print(f"No pictures: {reason}.", file=sys.stderr)  # noqa: T201
        return os.EX_UNAVAILABLE
    directory = set_up("pictures")
    ports = PortBlock()
    (directory / "chromium").mkdir()
    chromium = Chromium(directory / "chromium", ports.take())
    processes = Processes(directory, set)
    try:
        with _databases(directory).fresh(SQLITE, directory / "state") as database:
            _take_all(chromium, processes, database, ports)
    finally:
        complaints = processes.close()
        chromium.close()
        ports.close()
    for complaint in complaints:
        print(complaint, file=sys.stderr)  # noqa: T201
    return int(bool(complaints))


def _databases(directory: Path) -> Databases:
    (directory / "state").mkdir()
    return Databases(directory, lambda: sys.exit("SQLite is enough here"))


def _take_all(
    chromium: Chromium, processes: Processes, database: Database, ports: PortBlock
) -> None:
    # Import models, for which Django has to be set up.
    from tests.browser.pictures.park import start
    from tests.browser.site import Site

    keys = start(processes, database, ports)
    site = Site(processes, database, f"127.0.0.1:{ports.take()}", chromium)
    # Nothing is caught half-way.
    still = {"name": "prefers-reduced-motion", "value": "reduce"}
    chromium.command("Emulation.setEmulatedMedia", features=[still])
    chromium.command("Emulation.setScrollbarsHidden", hidden=True)
    chromium.set_cookie("timezone", ZONE)
    site.log_in("admin")
    for name, path in PAGES.items():
        if name == "login":
            chromium.forget_cookie("sessionid")
        for theme, screen in itertools.product(THEMES, SCREENS):
            picture = _picture(chromium, path.format(**keys), theme, *SCREENS[screen])
            (HERE / f"{name}-{theme}-{screen}.webp").write_bytes(picture)
    size = sum(path.stat().st_size for path in HERE.glob("*.webp"))
    print(f"{size / 1e6:.1f} MB in {HERE}")  # noqa: T201


def _picture(chromium: Chromium, path: str, theme: str, width: int, most: int) -> bytes:
    """Return a picture of a page from its top, so many pixels high at `most`."""
    chromium.resize(width)
    chromium.open(path)
    chromium.run(SET_THEME, theme)
    chromium.open(path)
    chromium.resize(width, min(chromium.run(HEIGHT), most))
    wait_until(lambda: chromium.run(READY), timeout=STARTING, message=f"{path} is drawn")
    answer = chromium.command("Page.captureScreenshot", format="webp", quality=QUALITY)
    return base64.b64decode(answer["data"])


if __name__ == "__main__":
    sys.exit(main())

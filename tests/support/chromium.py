"""Debian's Chromium, headless, as somebody who looks at the pages uses it.

Everything is read from the page as it is now, in one step each: parts of the pages are put in anew
every few seconds, and an element that was held meanwhile would be gone.
"""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.proxy import Proxy
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.webelement import WebElement

from tests.support.processes import Program, is_alive
from tests.support.waiting import STARTING, STOPPING, wait_until

PROGRAMS = ("chromium", "chromedriver")
ZONE = "Australia/Adelaide"  # where the browser says that it is: not by whole hours from UTC
WIDE, NARROW = 1440, 360
HEIGHT = 900
SWITCHES = (
    "--headless=new",
    # What it shows is ours, and the tests of a container run as root, whom its sandbox refuses.
    "--no-sandbox",
    # A container's /dev/shm may be small.
    "--disable-dev-shm-usage",
    "--disable-gpu",
    # No proxy of the machine's stands between the test and 127.0.0.1, and nobody else is asked.
    "--no-proxy-server",
    # The documents' own names are this machine.
    "--host-resolver-rules=MAP *.example.org 127.0.0.1",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    # A window behind another one is looked at, too.
    "--disable-backgrounding-occluded-windows",
    # It ends when its driver does, however that ended.
    "--remote-debugging-pipe",
)

TEXTS = """
return [...document.querySelectorAll(arguments[0])]
    .filter((it) => it.checkVisibility()).map((it) => it.innerText.trim())
"""
WIDTH = "return document.documentElement.scrollWidth"
STICKING_OUT = """
return [...document.querySelectorAll("body *")]
    .filter((it) => it.getBoundingClientRect().right > innerWidth + 1)
    .slice(0, 5).map((it) => it.outerHTML.slice(0, 120))
"""


@contextlib.contextmanager
def _put_in_anew() -> Iterator[None]:
    """Overlook that an element was replaced after it was found; the driver says so in two ways."""
    try:
        yield
    except StaleElementReferenceException:
        pass
    except WebDriverException as error:
        if "does not belong to the document" not in str(error.msg):
            raise


def obstacle() -> str | None:
    """Return why no browser can run here, None if nothing speaks against it."""
    if missing := [program for program in PROGRAMS if not shutil.which(program)]:
        return f"not installed: {', '.join(missing)} (Debian: chromium, chromium-driver)"
    return None


class Chromium:
    """A browser; what it asks for is on the server at `base`."""

    def __init__(self, directory: Path, port: int) -> None:
        """Start it; `port` is for its driver. Raises AssertionError if it does not start."""
        self._profile = directory / "profile"
        self.downloads = directory / "downloads"
        self.base = ""
        self._driver_program = Program(
            [_path("chromedriver"), f"--port={port}"],
            os.environ | {"TZ": ZONE, "HOME": str(directory), "TMPDIR": str(directory)},
            directory / "chromedriver.log",
        )
        self._driver_program.wait_for_line(r"started successfully")
        address = f"http://127.0.0.1:{port}"
        direct = ClientConfig(address, proxy=Proxy({"proxyType": "DIRECT"}), timeout=60)
        self._driver = webdriver.Remote(address, options=self._options(), client_config=direct)
        self._driver.set_page_load_timeout(STARTING)
        self.family = self._driver_program.process.children(recursive=True)

    def _options(self) -> webdriver.ChromeOptions:
        options = webdriver.ChromeOptions()
        options.binary_location = _path("chromium")
        for switch in (*SWITCHES, f"--user-data-dir={self._profile}"):
            options.add_argument(switch)
        options.accept_insecure_certs = True  # of a proxy whose certificate signs itself
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        return options

    def close(self) -> None:
        """End the browser and its driver. Raises AssertionError if something of them is left."""
        self.family = self._driver_program.process.children(recursive=True)
        with contextlib.suppress(Exception):
            self._driver.quit()
        self._driver_program.stop()
        wait_until(
            lambda: not [it for it in self.family if is_alive(it.pid)],
            timeout=STOPPING,
            message=lambda: f"the browser ends; there are {self.family}",
        )

    def fresh(self, base: str) -> None:
        """Forget who was logged in, whatever was kept and said; go to the server at `base`."""
        self.base = base
        handles = self._driver.window_handles
        for handle in handles[1:]:
            self._driver.switch_to.window(handle)
            self._driver.close()
        self._driver.switch_to.window(handles[0])
        self._driver.get("about:blank")
        self.command("Network.clearBrowserCookies")
        self.command("Storage.clearDataForOrigin", origin=base, storageTypes="all")
        self.command(
            "Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads)
        )
        # As after the first page that this browser has seen, which is loaded twice.
        self.set_cookie("timezone", ZONE)
        self.resize(WIDE)
        self.complaints()

    def command(self, command: str, **parameters: Any) -> Any:
        """Send a command of the browser's own debugging protocol."""
        sent = {"cmd": command, "params": parameters}
        return self._driver.execute("executeCdpCommand", sent)["value"]

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page; return what it returns."""
        return self._driver.execute_script(script, *arguments)

    def set_cookie(self, name: str, value: str) -> None:
        """Have the browser send a cookie to the server."""
        self.command("Network.setCookie", name=name, value=value, url=self.base)

    def forget_cookie(self, name: str) -> None:
        """Have the browser no longer send a cookie to the server."""
        self.command("Network.deleteCookies", name=name, url=self.base)

    def resize(self, width: int, height: int = HEIGHT) -> None:
        """Make the screen so many pixels wide; a narrow one is a telephone's."""
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )

    def open(self, path: str) -> None:
        """Open a page."""
        self._driver.get(urljoin(self.base, path))

    @property
    def url(self) -> str:
        """The address of the open page, without the server's."""
        return self._driver.current_url.removeprefix(self.base)

    @contextlib.contextmanager
    def other_window(self) -> Iterator[None]:
        """Do something in a window beside the open one."""
        before = self._driver.current_window_handle
        self._driver.switch_to.new_window("window")
        try:
            yield
        finally:
            self._driver.close()
            self._driver.switch_to.window(before)

    def texts(self, selector: str) -> list[str]:
        """Return what can be read in each of the elements that are seen."""
        found: list[str] = self.run(TEXTS, selector)
        return found

    def text(self, selector: str) -> str:
        """Return what can be read in the first that is seen, "" without one."""
        return next(iter(self.texts(selector)), "")

    def find(self, selector: str) -> WebElement:
        """Return the first of the elements. Raises NoSuchElementException."""
        return self._driver.find_element("css selector", selector)

    def click(self, selector: str) -> None:
        """Click on the first of the elements, again if it was put in anew meanwhile."""

        def clicked() -> bool:
            with _put_in_anew():
                self.find(selector).click()
                return True
            return False

        wait_until(clicked, timeout=STARTING, message=f"a click on {selector}")

    def follow(self, selector: str) -> None:
        """Click on what leads to another page, and wait until that is there."""
        self.leave(lambda: self.click(selector))

    def leave(self, act: Callable[[], object]) -> None:
        """Do what leads to another page, and wait until that is there."""
        self.run("window.left = true")
        act()
        wait_until(
            self._is_another_page, timeout=STARTING, message=lambda: f"a page behind {self.url}"
        )

    def _is_another_page(self) -> bool:
        # Asked in the moment in which the page changes, the driver fails in one way or another.
        with contextlib.suppress(WebDriverException):
            return bool(self.run("return !window.left && document.readyState === 'complete'"))
        return False

    def type(self, selector: str, text: str) -> None:
        """Type into a field, in place of what it held."""
        field = self.find(selector)
        field.clear()
        field.send_keys(text)

    def press(self, *keys: str) -> None:
        """Press these keys one after another, whatever the keyboard is at."""
        ActionChains(self._driver).send_keys(*keys).perform()

    def focused(self) -> str:
        """Return the id of what the keyboard is at, or what can be read there."""
        text: str = self.run("const it = document.activeElement; return it.id || it.innerText")
        return text

    def complaints(self) -> list[str]:
        """Return the errors and warnings in the console since they were last asked for.

        Also what the content security policy forbade, and what the server answered with an error.
        """
        entries = self._driver.execute("getLog", {"type": "browser"})["value"]
        return [it["message"] for it in entries if it["level"] in {"SEVERE", "WARNING"}]

    def sticking_out(self) -> list[str]:
        """Return what makes the page wider than the screen."""
        if self.run(WIDTH) <= self.run("return innerWidth"):
            return []
        return self.run(STICKING_OUT) or ["something, but no element of the body"]


def _path(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise AssertionError(f"{program} is not installed")
    return path

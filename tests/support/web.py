"""A browser for the admin: it logs in and fills in the forms that the pages really show."""

import http.cookiejar
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser

from tests.support.processes import Program


class _FormParser(HTMLParser):
    """Collects the fields of every form of a page, with the values they come with."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, list[str]]] = []
        self._select: str | None = None
        self._textarea: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        name = attributes.get("name") or ""
        if tag == "form":
            self.forms.append({})
        elif not self.forms:
            return
        elif tag == "input" and name:
            self._input(name, attributes)
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in attributes:
            self._add(self._select, attributes.get("value"))
        elif tag == "textarea":
            self._textarea = name
            self._add(name, "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = None
        elif tag == "textarea":
            self._textarea = None

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.forms[-1][self._textarea][-1] += data

    def _input(self, name: str, attributes: dict[str, str | None]) -> None:
        kind = (attributes.get("type") or "text").lower()
        if kind in {"submit", "button", "image", "reset", "file"}:
            return
        if kind in {"checkbox", "radio"} and "checked" not in attributes:
            return
        self._add(name, attributes.get("value", "on" if kind == "checkbox" else ""))

    def _add(self, name: str, value: str | None) -> None:
        self.forms[-1].setdefault(name, []).append(value or "")


class Browser:
    """Keeps cookies, follows redirects, submits forms."""

    def __init__(self, base: str, trusted: ssl.SSLContext | None = None) -> None:
        """`trusted`: the certificate of the server at `base`, if it has one."""
        self.base = base
        self.url = base
        self.html = ""
        self._opener = urllib.request.build_opener(
            # No proxy of the machine's stands between the test and 127.0.0.1.
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=trusted),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
        )

    def get(self, path: str) -> str:
        """Open a page and return its HTML; raise AssertionError on a page of errors."""
        return self._open(urllib.request.Request(urllib.parse.urljoin(self.url, path)))  # noqa: S310

    def submit(self, marker: str, changes: dict[str, object]) -> str:
        """Submit the form of the open page that has a field called `marker`, some fields changed.

        A value of True ticks a box, False clears it. Raises AssertionError where the page has no
        such form, or comes back with an error in a field.
        """
        fields = self._form(marker)
        for name, value in changes.items():
            if isinstance(value, bool):
                fields.pop(name, None)
            if value is not False:
                fields[name] = ["on" if value is True else str(value)]
        request = urllib.request.Request(  # noqa: S310
            self.url,
            data=urllib.parse.urlencode(fields, doseq=True).encode(),
            headers={"Referer": self.url},
        )
        html = self._open(request)
        if errors := re.findall(r'class="error(?:note|list)[^"]*"[^>]*>(.*?)</', html, re.DOTALL):
            raise AssertionError(f"{self.url} says: {[error.strip() for error in errors]}")
        return html

    def _form(self, marker: str) -> dict[str, list[str]]:
        parser = _FormParser()
        parser.feed(self.html)
        for form in parser.forms:
            if marker in form:
                return form
        raise AssertionError(f"{self.url} has no form with a field {marker!r}")

    def _open(self, request: urllib.request.Request) -> str:
        try:
            with self._opener.open(request, timeout=30) as response:
                self.url = response.url
                self.html = response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode(errors="replace")[:2000]
            raise AssertionError(f"{request.full_url} answered {error.code}: {text}") from None
        return self.html


class Admin:
    """The admin as the operator uses it."""

    def __init__(self, base: str, server: Program) -> None:
        self.server = server
        self.browser = Browser(base)

    def is_up(self) -> bool:
        """Whether the login page can be opened."""
        try:
            self.browser.get("/admin/login/")
        except urllib.error.URLError:
            return False
        return True

    def log_in(self, username: str, password: str) -> None:
        """Log in through the login page."""
        self.browser.get("/admin/login/?next=/admin/")
        self.browser.submit("password", {"username": username, "password": password})

    def add_node(self, name: str, ip_address: str, port: int, *, enabled: bool = True) -> int:
        """Add a node and return its id."""
        self.browser.get("/admin/nodes/node/add/")
        fields = {"name": name, "ip_address": ip_address, "port": port, "enabled": enabled}
        # "Save and continue editing" comes back to the new node's own page: its id is in the URL.
        self.browser.submit("ip_address", fields | {"_continue": "1"})
        match = re.search(r"/admin/nodes/node/(\d+)/change/", self.browser.url)
        if not match:
            raise AssertionError(f"the admin did not add the node: it is at {self.browser.url}")
        return int(match[1])

    def change_node(self, node: int, **changes: object) -> None:
        """Change some fields of a node: name, ip_address, port, enabled."""
        self.browser.get(f"/admin/nodes/node/{node}/change/")
        self.browser.submit("ip_address", {**changes, "_save": "1"})

    def delete_node(self, node: int) -> None:
        """Delete a node, and say yes when asked."""
        page = self.browser.get(f"/admin/nodes/node/{node}/delete/")
        if "post" not in page:
            raise AssertionError("the admin did not ask whether to delete the node")
        self.browser.submit("post", {"post": "yes"})

"""A program that asks the API from outside the process that serves it."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any


class Outside:
    """Asks with a token."""

    def __init__(self, url: str, secret: str) -> None:
        """`url`: the address of the API."""
        self.url = url
        self._headers = {"Authorization": f"Bearer {secret}"}
        # No proxy of the machine's stands between the test and 127.0.0.1.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, address: str) -> Any:
        """Return what is answered, in JSON."""
        return json.loads(self._read(address))

    def pages(self, query: str) -> Iterator[list[Any]]:
        """Yield the birds of one page after the other, as `next` leads."""
        address: str | None = f"{self.url}/birds?{query}"
        while address:
            page = self.get(address)
            yield page["results"]
            address = page["next"]

    def walk(self, query: str = "") -> list[Any]:
        """Return all birds, by their pages."""
        return [bird for page in self.pages(query) for bird in page]

    def export(self, query: str = "") -> list[Any]:
        """Return all birds, as a file has them."""
        text = self._read(f"{self.url}/birds?format=jsonl&{query}").decode()
        return [json.loads(line) for line in text.splitlines()]

    def _read(self, address: str) -> bytes:
        request = urllib.request.Request(address, headers=self._headers)  # noqa: S310
        with self._opener.open(request, timeout=30) as answer:
            return answer.read()

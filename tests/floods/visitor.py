"""A visitor who opens every page again and again, and notes how long each takes."""

import threading
import time
import urllib.request

from django.contrib.auth.models import User
from django.test import Client

from birdwatcher.birds.models import Species
from birdwatcher.nodes.models import Node

GIVING_UP = 60.0  # seconds
NEARLY_ASIA = "timezone=Asia/Kolkata"  # half an hour off: no sum by the hour fits its days


class Visitor:
    """Logged in at the web UI at `base`, in a thread of its own."""

    def __init__(self, base: str, node: Node) -> None:
        """`node`: whose page is opened, among the others."""
        client = Client()
        client.force_login(User.objects.create_superuser("visitor"))
        self._base = base
        self._headers = {"Cookie": f"sessionid={client.cookies['sessionid'].value}; {NEARLY_ASIA}"}
        self._node = node
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._over = threading.Event()
        self.seconds: dict[str, float] = {}  # the slowest of each page
        self._thread = threading.Thread(target=self._walk)

    def start(self) -> None:
        """Begin to walk through the pages."""
        species = Species.objects.first()
        self._paths = [
            *("/", "/nodes/", f"/nodes/{self._node.pk}/", "/species/", "/birds/", "/system/"),
            *([f"/species/{species.pk}/"] if species else []),
            *("/api/v1/species", "/api/v1/birds", "/admin/birds/species/", "/admin/birds/bird/"),
        ]
        self._thread.start()

    def leave(self) -> None:
        """Finish the page that is open."""
        self._over.set()
        self._thread.join(GIVING_UP)

    def _walk(self) -> None:
        while not self._over.is_set():
            for path in self._paths:
                took = self._seconds(path)
                name = path.replace(f"/{self._node.pk}/", "/n/")
                self.seconds[name] = max(self.seconds.get(name, 0), took)

    def _seconds(self, path: str) -> float:
        request = urllib.request.Request(self._base + path, headers=self._headers)  # noqa: S310
        began = time.monotonic()
        with self._opener.open(request, timeout=GIVING_UP) as response:
            response.read()
        return time.monotonic() - began

"""The web UI under test, and those who look at it."""

import datetime

from django.contrib.auth.models import Group, User
from django.test import Client

from tests.support.chromium import Chromium
from tests.support.databases import Database
from tests.support.fieldnode import FieldNode
from tests.support.packets import Sighting, encode
from tests.support.processes import Processes, Program

PASSWORD = "a warden of the park"
ADMIN = "admin"


class Site:
    """`manage.py serve` on one address, and the browser at it."""

    def __init__(
        self, processes: Processes, database: Database, address: str, chromium: Chromium
    ) -> None:
        self._processes = processes
        self._database = database
        self._address = address
        self.base = f"http://{address}"
        self.chromium = chromium
        self.program = self.start()
        chromium.fresh(self.base)

    def start(self) -> Program:
        """Start the web server, and wait until it listens."""
        env = self._database.env | {"BIRDWATCHER_WEB_WORKERS": "1"}
        self.program = self._processes.manage("serve", self._address, env=env)
        self.program.wait_for_line(r"web: listening on http://")
        return self.program

    def log_in(self, role: str) -> None:
        """Log somebody of this group in, by the cookie that logging in leaves."""
        client = Client()
        client.force_login(make_user(role))
        self.chromium.set_cookie("sessionid", client.cookies["sessionid"].value)


def make_user(role: str) -> User:
    """Make a user of this group, called like it."""
    user = User.objects.create_user(role, password=PASSWORD, is_staff=role == ADMIN)
    user.groups.add(Group.objects.get(name=role))
    return user


def heard(
    name: str, species: str = "Erithacus rubecula", ago: datetime.timedelta | None = None
) -> Sighting:
    """Return a bird that is heard now, or was a while ago."""
    now = datetime.datetime.now(datetime.UTC)
    return Sighting(now - (ago or datetime.timedelta()), species, name)


def send(field: FieldNode, *sightings: Sighting) -> None:
    """Send these birds to the daemon, which has to be connected."""
    field.send_raw(b"".join(map(encode, sightings)))
    field.sent += sightings

"""Make the installation that the tests here upgrade: two database dumps and a spool.

It is run on a checkout of the release that it describes, in that release's environment, and uses
that release's own code::

    PYTHONPATH=. .venv/bin/python .../make_installation.py DIRECTORY

Both databases hold the same. To describe another release, run this there, with its names of
modules, and keep its files beside these.
"""

# ruff: noqa: I001 the modules of that release need not be here any more

import datetime
import gzip
import hashlib
import random
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from tests.support.setup import set_up

if __name__ == "__main__":
    set_up("installation")  # before the models can be imported

from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import Client
from django.test.utils import setup_test_environment
from django.utils import timezone

from birdwatcher.api.models import Allowance, ApiToken
from birdwatcher.birds.models import EARLIEST, LATEST, Bird, Species
from birdwatcher.exports.models import Export
from birdwatcher.nodes import removal
from birdwatcher.nodes.models import Node
from birdwatcher.units import EPOCH, MICROSECOND
from birdwatcher.writer.ledger import Ledger
from birdwatcher.writer.vitals import Vitals
from nodeproc.board import Board, Summary
from nodeproc.events import Reason
from nodeproc.spool import Spool, SpoolLimits
from nodeproc.states import NodeState
from nodeproc.wire import Batch, FrameReader, Kind, ProcessUsage, Status, pack
from tests.support.databases import POSTGRESQL, SQLITE, Databases
from tests.support.ports import PortBlock
from tests.support.postgres import PostgresCluster, find_programs

AT = 1_777_625_160.25  # 2026-05-01T08:46:00.25Z: when everything was received
HOUR = 3_600_000_000  # microseconds
STREAM, LAST = 1_234_567_890_123_456_789, 5  # of the node Dartmoor, and its checkpoint
PASSWORD = "a warden of the park"
SESSION = "thesessionthatwasopenbefore"
FOREVER = datetime.timedelta(days=100 * 365)
SPECIES = ("Robin", "Wren", "Ñandú", "コマドリ", "Zaunkönig 🐦", "é" * 255)
SUMMARY = Summary(nodes=4, connected=2, backlog=9, spooled=6, oldest=AT, events_per_second=1.5)


def make_nodes() -> None:
    """Make nodes of every kind."""
    for number, (name, address, fields) in enumerate(
        [
            ("Dartmoor", "10.0.3.2", {}),
            ("Exmoor", "2001:db8::7", {"restarts": 2}),
            ("Ørland Øst 野鳥", "10.0.3.4", {"enabled": False}),
            ("Snowdon", "10.0.3.5", {}),
            ("New Forest", "fd00::1", {}),
        ]
    ):
        Node.objects.create(name=name, ip_address=address, port=9999 - number, **fields)


def events(seed: int, count: int) -> list[tuple[int, str, str]]:
    """Return events of two days, whole hours and days among them, and some of other times."""
    chance = random.Random(seed)  # noqa: S311
    now = int(AT * 1_000_000)
    edges = [-1, 0, 1, -HOUR - 1, -HOUR]
    edges += [(time - EPOCH) // MICROSECOND for time in (EARLIEST, LATEST)]
    edges += [now // part * part + off for part in (HOUR, 24 * HOUR) for off in (-1, 0, 1)]
    times = edges + [now - chance.randrange(48 * HOUR) for _ in range(count)]
    return [(at, chance.choice(SPECIES), f"Bird {seed}.{n}") for n, at in enumerate(times)]


def batch(node: int, stream: int, sequence: int, *found: tuple[int, str, str]) -> bytes:
    """Return a frame with these events, and a rejected packet."""
    rejections = [(AT, Reason.NOT_JSON.value, 300, b"\0\xff{" * 85)]
    value = Batch(AT, list(found), rejections, 3)
    return pack(Kind.BATCH, value, node=node, stream=stream, sequence=sequence)


def status(node: int, stream: int, sequence: int, state: NodeState, error: str = "") -> bytes:
    """Return a frame with a status."""
    value = Status(state.value, AT, 4711, bool(error), error, AT + 2 if error else None)
    return pack(Kind.STATUS, value, node=node, stream=stream, sequence=sequence)


def receive() -> None:
    """Commit what nodes sent, in large and in small transactions."""
    ledger = Ledger()

    def commit(*frames: bytes) -> None:
        ledger.commit(list(FrameReader().feed(b"".join(frames))))

    for node, stream in ((1, STREAM), (1, 77), (2, 2**63 - 1), (3, 3), (4, 4)):
        commit(
            pack(Kind.RESUME, 0, node=node, stream=stream, sequence=1),
            status(node, stream, 1, NodeState.CONNECTED),
            batch(node, stream, 2, *events(stream, 150)),
        )
        commit(batch(node, stream, 3, (int(AT * 1_000_000), "Robin", "Zoë")))
        impossible = (10**30, "Robin", "refused by the database")
        commit(status(node, stream, 4, NodeState.BACKING_OFF, "connection refused"))
        commit(batch(node, stream, LAST, *events(stream + 1, 5), impossible))
    down = Status(NodeState.CRASHED.value, AT, None, False, "killed by SIGKILL", AT + 2)
    commit(pack(Kind.NODE_DOWN, down, node=2))


def run() -> None:
    """Leave what a daemon leaves that was killed."""
    board = Board()
    board.put_up(SUMMARY)
    vitals = Vitals(board)
    vitals.register(first=True)
    roles = (("supervisor", 0), ("writer", 0), ("node", 1), ("node", 2))
    usages = [(role, node, 4710 + n, AT, 2**25, 1.5) for n, (role, node) in enumerate(roles)]
    vitals.measured(AT, [ProcessUsage(*usage) for usage in usages])
    vitals.show()


def delete() -> None:
    """Delete birds in every way."""
    Bird.objects.filter(node=1, name__endswith=".20").delete()
    Bird.objects.filter(node=2).first().delete()
    removal.clear(Node.objects.get(name="Snowdon"))
    Node.objects.get(name="Snowdon").delete()
    Species.objects.create(name="Dodo")


def make_people() -> None:
    """Make users in each role, and some whose rights were given by hand."""
    everything = Group.objects.create(name="everything")
    everything.permissions.set(Permission.objects.all())
    for name in ("viewer", "operator", "admin", "everything", "nobody", "closed"):
        user = User.objects.create_user(name, is_staff=name in {"operator", "admin", "everything"})
        user.groups.set(Group.objects.filter(name="viewer" if name == "closed" else name))
    User.objects.filter(username="closed").update(is_active=False)
    chosen = ("view_daemon", "change_daemonprocess", "add_apitoken", "delete_deletion", "view_bird")
    one_by_one = User.objects.create_user("one by one", password=PASSWORD, is_staff=True)
    one_by_one.user_permissions.set(Permission.objects.filter(codename__in=chosen))
    keeper = User.objects.create_superuser("keeper", password=PASSWORD)
    logged_in = {
        "_auth_user_id": str(keeper.pk),
        "_auth_user_backend": settings.AUTHENTICATION_BACKENDS[-1],
        "_auth_user_hash": keeper.get_session_auth_hash(),
    }
    Session.objects.create(
        session_key=SESSION,
        session_data=SessionStore().encode(logged_in),
        expire_date=timezone.now() + FOREVER,
    )
    Client().post("/login/", {"username": "keeper", "password": "wrong"})


def secret_of(name: str) -> str:
    """Return the secret of the token called `name`."""
    return f"bw_{name.replace(' ', '-'):_<43}"


def make_tokens() -> None:
    """Make tokens of each role, and some with which nobody may ask."""
    then = datetime.datetime.fromtimestamp(AT, datetime.UTC)
    for user in User.objects.exclude(username="one by one"):
        for scope in ("read", "write"):
            make_token(user, f"{user} {scope}", scope, last_used_at=then)
    viewer = User.objects.get(username="viewer")
    make_token(viewer, "expired", "read", expires_at=then)
    make_token(viewer, "lasting", "read", expires_at=then + FOREVER)
    revoked = make_token(viewer, "revoked", "read", revoked_at=then)
    Allowance.objects.create(who=f"token {revoked.pk}", minute=AT // 60, granted=9)
    keeper = User.objects.get(username="keeper")
    for changed in (revoked, Node.objects.get(name="Exmoor"), Bird.objects.first(), viewer):
        LogEntry.objects.log_actions(keeper.pk, [changed], CHANGE, "Changed before.")


def make_token(user: User, name: str, scope: str, **fields: object) -> ApiToken:
    """Make a token with the secret that belongs to its name."""
    secret = secret_of(name)
    hashed = hashlib.sha256(secret.encode()).hexdigest()
    return ApiToken.objects.create(
        user=user, name=name, scope=scope, prefix=secret[:10], hash=hashed, **fields
    )


def export() -> None:
    """Leave exports in every state."""
    viewer = User.objects.get(username="viewer")
    for state in ("running", "done", "broken off", "failed"):
        for owner in ({"user": viewer}, {"visitor": "v" * 32, "address": "10.9.9.9"}):
            Export.objects.create(
                format="csv", title="Birds of Dartmoor", state=state, rows=7, **owner
            )


def spool(directory: Path) -> None:
    """Write the spool of Dartmoor: it begins with two frames that are committed already."""
    frames = [batch(1, STREAM, LAST - 1), batch(1, STREAM, LAST, *events(1, 9))]
    frames += [
        batch(1, STREAM, LAST + n, *((n, "Robin", f"Spooled {n}.{i}") for i in range(3)))
        for n in (1, 2)
    ]
    Spool(SpoolLimits(directory), 1).append(frames, (STREAM, LAST + 2), sent=0)


@contextmanager
def started_cluster():
    """Start PostgreSQL, and remove it at the end."""
    ports = PortBlock()
    cluster = PostgresCluster(find_programs(), ports.take())
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()
        ports.close()


def dump(database) -> str:
    """Return the statements that make the database again, for either driver without a program."""
    if database.vendor == SQLITE:
        path = database.url.removeprefix("sqlite:///")
        return "\n".join(sqlite3.connect(path).iterdump())
    command = ["pg_dump", "--no-owner", "--no-privileges", "--rows-per-insert=100", database.url]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return "\n".join(line for line in lines if not line.startswith(("\\", "--")))


def main(directory: Path) -> None:
    """Write everything into `directory`, which must not exist: a spool is only appended to."""
    directory.mkdir(parents=True)
    setup_test_environment()
    with tempfile.TemporaryDirectory() as state, started_cluster() as cluster:
        databases = Databases(Path(state), lambda: cluster)
        for vendor in (SQLITE, POSTGRESQL):
            (Path(state) / vendor).mkdir()
            with databases.fresh(vendor, Path(state) / vendor) as database:
                for make in (make_nodes, receive, run, delete, make_people, make_tokens, export):
                    make()
                text = dump(database)
            path = directory / f"{vendor}.sql.gz"
            path.write_bytes(gzip.compress(text.encode(), mtime=0))
    spool(directory)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())

"""An installation of an earlier release is upgraded in place: nothing is lost, and all goes on."""

import datetime
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from birdwatcher.accounts.models import ApiToken
from birdwatcher.birds.models import Bird, SetAsideEvent
from birdwatcher.nodes.models import Node, NodeStatus
from birdwatcher.writer.ledger import Ledger
from nodeproc.wire.frames import Kind, pack
from nodeproc.wire.messages import Batch
from nodeproc.wire.subjects import Origin, Subject
from tests.support.configured import configured
from tests.support.counted import counts_agree
from tests.support.databases import Databases
from tests.support.processes import Processes
from tests.support.program import Caller
from tests.support.sender import read
from tests.support.upgrade import (
    AT,
    LAST,
    PASSWORD,
    SESSION,
    STREAM,
    Installation,
    Table,
    rows_of,
    secret_of,
)

pytestmark = pytest.mark.xdist_group("upgrade")

# Migrations may add to these. A model that moves takes its content type along to another app.
GROW = {"django_migrations", "auth_permission", "auth_group_permissions", "sqlite_sequence"}
MOVED = "django_content_type"
TOKEN = "api_apitoken"  # those without an end got one

COLUMNS = """
    SELECT 'column', table_name || '.' || column_name, concat_ws(' ', data_type, is_nullable,
        column_default, character_maximum_length, is_identity)
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'function', proname, pg_get_functiondef(oid)
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid)
    FROM pg_trigger WHERE NOT tgisinternal
"""
SCHEMA = {
    "postgresql": COLUMNS,
    "sqlite": "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL",
}


def schema() -> dict[tuple[str, str], str]:
    """Return the definition of everything in the database, without comments and line breaks."""
    return {
        (kind, name): " ".join(re.sub(r"--.*", "", text).split())
        for kind, name, text in rows_of(SCHEMA[connection.vendor])
    }


def test_no_row_is_lost(installation: Installation) -> None:
    assert len(installation.tables["birds_bird"].rows) == 725
    for name, before in installation.tables.items():
        columns = ("id",) if name in {MOVED, TOKEN} else before.columns
        kept = Table.read(name, columns).rows
        if name in {MOVED, TOKEN}:
            assert kept.total() >= before.rows.total()
        elif name in GROW:
            assert not before.rows - kept, name
        else:
            assert kept == before.rows, name


def test_every_row_belongs_to_a_model(installation: Installation) -> None:
    """A model that moved to another app reads the table that has its rows."""
    models = apps.get_models(include_auto_created=True)
    read = {model._meta.db_table: model.objects.count() for model in models}
    for name, before in installation.tables.items():
        if before.rows and name not in {"django_migrations", "sqlite_sequence"}:
            assert read[name] >= before.rows.total(), name


def test_the_rows_are_read_as_they_were_written(installation: Installation) -> None:
    exmoor = Node.objects.get(name="Exmoor")
    assert (str(exmoor), exmoor.restarts) == ("Exmoor [2001:db8::7]:9998", 2)
    assert list(Node.objects.filter(enabled=False).values_list("name", flat=True)) == [
        "Ørland Øst 野鳥"
    ]
    birds = Bird.objects.order_by("timestamp")
    first, last = birds.first(), birds.last()
    # The first and the last day that can be kept.
    assert (first.timestamp, last.timestamp) == (
        datetime.datetime(1, 1, 2, tzinfo=datetime.UTC),
        datetime.datetime(9999, 12, 30, tzinfo=datetime.UTC),
    )
    assert first.doubtful
    zoë = Bird.objects.filter(name="Zoë", node__name="Dartmoor").first()
    assert (zoë.species.name, zoë.timestamp.timestamp(), zoë.doubtful) == ("Robin", AT, False)
    status = NodeStatus.objects.get(node=exmoor)
    assert (status.state, status.error) == ("crashed", "killed by SIGKILL")
    assert (status.rejected, status.reconnects) == (10, 1)


def test_nothing_is_missing_and_every_count_is_right(
    installation: Installation, processes: Processes
) -> None:
    env = installation.database.env
    processes.run("migrate", "--check", env=env)
    processes.run("makemigrations", "--check", "--dry-run", env=env)
    assert processes.run("rebuildrollups", "--check", env=env) == "Every count is right.\n"
    call_command("check", fail_level="WARNING", databases=["default"])
    counts_agree()


def test_the_schema_is_that_of_a_new_installation(
    installation: Installation, databases: Databases, tmp_path: Path
) -> None:
    found = schema()
    (tmp_path / "new").mkdir()
    with databases.fresh(installation.database.vendor, tmp_path / "new"):
        assert found == schema()


def test_everybody_may_do_what_they_could(installation: Installation) -> None:
    known = {codename for _, _, codename in installation.held}
    now = {model._meta.model_name: model._meta.app_label for model in apps.get_models()}
    could: dict[str, set[str]] = {}
    for user, model, codename in installation.held:
        could.setdefault(user, set()).add(f"{now[model]}.{codename}")
    assert could.keys() == {"admin", "closed", "everything", "one by one", "operator", "viewer"}
    for user in User.objects.filter(is_active=True, is_superuser=False):
        may = {it for it in user.get_all_permissions() if it.partition(".")[2] in known}
        assert may == could.get(user.username, set()), user
    assert len(could["everything"]) == len(known)


def test_no_type_and_no_permission_is_left_of_models_that_moved(
    installation: Installation,
) -> None:
    assert [it for it in ContentType.objects.all() if it.model_class() is None] == []
    codenames = list(Permission.objects.values_list("content_type__model", "codename"))
    assert len(codenames) == len(set(codenames))
    assert {model for model, _ in codenames} == {
        model._meta.model_name for model in apps.get_models()
    }


# What a token gets for reading the nodes, disabling one, and changing one.
TOKENS = {
    "viewer read": (200, 403, 403),
    "viewer write": (200, 403, 403),
    "operator read": (200, 403, 403),
    "operator write": (200, 200, 403),
    "admin read": (200, 403, 403),
    "admin write": (200, 200, 200),
    "everything write": (200, 200, 200),
    "keeper write": (200, 200, 200),
    "nobody write": (403, 403, 403),
    "closed write": (401, 401, 401),
    "expired": (401, 401, 401),
    "revoked": (401, 401, 401),
    "lasting": (200, 403, 403),
}


def test_tokens_are_good_for_what_they_were(installation: Installation) -> None:
    found = {}
    for name in TOKENS:
        asking = Caller(secret_of(name))
        answers = (
            asking.ask("GET", "nodes"),
            asking.ask("POST", "nodes/1/disable"),
            asking.ask("PATCH", "nodes/1", {"port": 9990}),
        )
        found[name] = tuple(answer.status_code for answer in answers)
    assert found == TOKENS


def test_tokens_without_an_end_get_one(installation: Installation) -> None:
    tokens = ApiToken.objects.filter(user__username="operator", revoked_at=None)
    grace = datetime.timedelta(days=90)
    for token in tokens:
        assert abs(token.expires_at - timezone.now() - grace) < datetime.timedelta(minutes=10)
    assert tokens
    # Neither one that was given nor one that needs none any more is moved.
    fixed = ApiToken.objects.exclude(user__username="operator")
    assert fixed.filter(name="revoked").get().expires_at is None
    assert fixed.filter(name="expired").get().expires_at < timezone.now()


def test_passwords_and_sessions_are_good_still(installation: Installation) -> None:
    client = Client(headers={"Cookie": f"sessionid={SESSION}"})
    for address in ("/", "/nodes/", "/nodes/1/", "/birds/", "/species/", "/system/"):
        assert client.get(address).status_code == 200, address
    assert "Ørland Øst 野鳥" in client.get("/nodes/").content.decode()
    logged_in = Client().post("/login/", {"username": "one by one", "password": PASSWORD})
    assert (logged_in.status_code, logged_in["Location"]) == (302, "/")


def test_the_admin_shows_what_was_there_and_its_history(installation: Installation) -> None:
    client = Client(headers={"Cookie": f"sessionid={SESSION}"})
    for model in admin.site._registry:
        opts = model._meta
        address = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
        assert client.get(address).status_code == 200, address
    entries = LogEntry.objects.filter(change_message="Changed before.")
    assert sorted(entry.content_type.model for entry in entries) == [
        "apitoken",
        "bird",
        "node",
        "user",
    ]
    for entry in entries:
        opts = entry.content_type.model_class()._meta
        history = reverse(
            f"admin:{opts.app_label}_{opts.model_name}_history", args=[entry.object_id]
        )
        page = client.get(history)
        assert page.status_code == 200
        assert "Changed before." in page.content.decode()
        assert client.get(entry.get_admin_url()).status_code == 200


def test_the_ledger_goes_on_from_the_checkpoint(installation: Installation) -> None:
    """Of the frames before and behind it, those behind take effect, once."""
    events = NodeStatus.objects.get(node=1).events

    def frame(kind: Kind, value: object, sequence: int) -> bytes:
        return pack(kind, value, origin=Origin(Subject.NODES, 1), stream=STREAM, sequence=sequence)

    frames = [frame(Kind.RESUME, 0, LAST - 1)]
    for sequence in range(LAST - 1, LAST + 3):
        event = (int(AT * 1_000_000), "Lapwing", f"after {sequence}")
        frames.append(frame(Kind.BATCH, Batch(AT, [event], [], 0), sequence))
    for _ in range(2):
        assert Ledger().commit(read(b"".join(frames))) == [(Subject.NODES, 1, STREAM, LAST + 2)]
    names = Bird.objects.filter(species__name="Lapwing").order_by("pk")
    assert list(names.values_list("name", flat=True)) == ["after 6", "after 7"]
    assert NodeStatus.objects.get(node=1).events == events + 2
    # Its nodes are bounded as new ones are: the lapwing was the one new species of today.
    beyond = (int(AT * 1_000_000), "Wagtail", "beyond")
    frames.append(frame(Kind.BATCH, Batch(AT, [beyond], [], 0), LAST + 3))
    with configured(new_species_a_day=1):
        Ledger().commit(read(b"".join(frames)))
    assert SetAsideEvent.objects.get().name == "beyond"
    counts_agree()


def test_what_is_deleted_is_noted_and_not_counted(installation: Installation) -> None:
    before = rows_of("SELECT max(id) FROM live_deletion")[0][0]
    gone = Bird.objects.filter(node=1).first()
    key, species = gone.pk, gone.species_id
    gone.delete()
    ((node, of, birds, at),) = rows_of(
        f"SELECT node_id, species_id, birds, at FROM live_deletion WHERE id > {before}"  # noqa: S608
    )
    assert (node, of, birds) == (1, species, f"[{key}]")
    assert isinstance(at, datetime.datetime)
    counts_agree()

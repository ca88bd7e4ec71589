"""What the audit log records: by whom, from where, by which token, about what, and for how long."""

import datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client, override_settings
from django.utils import timezone

from birdwatcher.accounts import authors, rate_limit
from birdwatcher.accounts.models import ApiToken
from birdwatcher.audit.models import Action, Entry
from birdwatcher.audit.record import record
from birdwatcher.birds.models import Species
from birdwatcher.nodes.models import Node
from tests.support.configured import configured
from tests.support.flock import NOON, make_nodes
from tests.support.program import Caller, token_of

pytestmark = pytest.mark.usefixtures("database")

HERE = {"REMOTE_ADDR": "2001:db8::7"}
PASSWORD = "the heron stands still"
MD5 = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def grants(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allowances of this test alone: a process remembers those of the minute."""
    monkeypatch.setattr(rate_limit, "grants", rate_limit.Grants(rate_limit.take_share))


def recorded(*fields: str) -> list[Any]:
    """Return these fields of every entry but those of log-ins, the oldest first."""
    rows = Entry.objects.exclude(action=Action.LOG_IN).order_by("pk")
    return list(rows.values_list(*fields, flat=len(fields) == 1))


def keeper() -> Client:
    """Return a browser of a superuser."""
    client = Client(**HERE)
    client.force_login(User.objects.create_superuser("keeper"))
    return client


def test_what_people_do_in_the_admin_and_on_the_pages() -> None:
    client, (one, other) = keeper(), make_nodes(2)
    client.post("/admin/birds/species/add/", {"name": "Wren"})
    client.post("/nodes/act/", {"only": f"disable {one.pk}"})
    chosen = {"action": "delete_selected", "_selected_action": [one.pk, other.pk], "post": "yes"}
    client.post("/admin/nodes/node/", chosen)
    group = Group.objects.get(name="viewer")
    client.post(f"/admin/auth/group/{group.pk}/change/", {"name": "viewer", "permissions": []})
    client.post("/tokens/", {"name": "map", "scope": "read", "days": "9"})
    token = ApiToken.objects.get()
    client.post(f"/tokens/{token.pk}/revoke/")
    client.post(f"/tokens/{token.pk}/revoke/")  # again, to no effect
    client.post("/logout/")
    assert recorded("action", "kind", "key", "detail") == [
        ("add", "birds.species", str(Species.objects.get().pk), "Added."),
        ("change", "nodes.node", str(one.pk), "Disabled."),
        ("delete", "nodes.node", str(one.pk), ""),
        ("delete", "nodes.node", str(other.pk), ""),
        ("change", "nodes.node", str(other.pk), "Disabled."),
        ("change", "auth.group", str(group.pk), "Changed Permissions."),
        ("add", "accounts.apitoken", str(token.pk), "For read."),
        ("change", "accounts.apitoken", str(token.pk), "Revoked."),
        ("log out", "", "", ""),
    ]
    assert set(recorded("who", "address", "token")) == {("keeper", "2001:db8::7", "")}


def test_what_programs_do_is_recorded_with_their_token() -> None:
    asking, token = Caller(token_of("admin")), ApiToken.objects.get()
    asking.client.defaults |= HERE
    node = asking.post("nodes", {"name": "Exmoor", "ip_address": "10.0.3.3", "port": 9})
    asking.ask("PATCH", f"nodes/{node['id']}", {"port": 10})
    asking.post(f"nodes/{node['id']}/disable", status=200)
    asking.ask("DELETE", f"nodes/{node['id']}")
    asking.post("nodes", {"name": "refused"}, status=400)
    assert recorded("action", "what", "detail") == [
        ("add", "Exmoor 10.0.3.3:9", "Added by a program."),
        ("change", "Exmoor 10.0.3.3:10", "Changed by a program: port."),
        ("change", "Exmoor 10.0.3.3:10", "Disabled."),
        ("delete", "Exmoor 10.0.3.3:10", "Deleted by a program."),
    ]
    assert set(recorded("who", "address", "token")) == {("admin", "2001:db8::7", str(token))}


def test_an_entry_outlives_its_user() -> None:
    client = keeper()
    client.post("/admin/birds/species/add/", {"name": "Wren"})
    before = recorded("who", "user", "what")
    User.objects.get(username="keeper").delete()
    assert recorded("who", "user", "what") == before
    assert before[0][0] == "keeper"
    # A page without the user shows it still.
    client = Client()
    client.force_login(User.objects.create_superuser("another"))
    history = f"/admin/birds/species/{Species.objects.get().pk}/history/"
    for page in (history, "/audit/?kind=birds.species"):
        assert "keeper" in client.get(page).content.decode()


@override_settings(PASSWORD_HASHERS=MD5)
def test_log_ins_and_failures_of_which_only_some_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authors, "FAILURES", 2)
    User.objects.create_user("ranger", password=PASSWORD)
    typed = "hunter2-typed-by-mistake"
    fields = {"username": "ranger", "password": PASSWORD}
    assert Client(**HERE).post("/login/", fields).status_code == 302
    Client(**HERE).post("/login/", {**fields, "password": typed})
    for _ in range(4):
        Client(**HERE).post("/login/", {"username": typed, "password": PASSWORD})
    rows = Entry.objects.order_by("pk").values_list("action", "who", "what", "detail", "address")
    address = HERE["REMOTE_ADDR"]
    # The minute of the clock may end in between.
    assert list(rows)[:2] == [
        ("log in", "ranger", "", "", address),
        ("failed log-in", "", "ranger", "", address),
    ]
    failures = rows.filter(action="failed log-in")
    assert 2 <= len(failures) <= 4
    assert failures.last() == ("failed log-in", "", "", authors.UNKNOWN, address)
    assert typed not in str(list(Entry.objects.values()))


def test_a_new_password_is_recorded_with_the_tokens_that_it_ended() -> None:
    token_of("ranger")
    user = User.objects.get(username="ranger")
    user.set_password(PASSWORD)
    user.save()
    ((who, what, detail),) = recorded("who", "what", "detail")
    assert who.startswith("command line: ")
    assert (what, detail) == ("ranger", "A new password; API tokens ended: 1.")


def test_birds_that_programs_add_do_not_fill_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("birdwatcher.api.birds.views.RECORDED", 2)
    asking, (node,) = Caller(token_of("admin")), make_nodes(1)
    bird = {"timestamp": NOON.isoformat(), "name": "B", "species": "Wren", "node_id": node.pk}
    made = [asking.post("birds", bird)["id"] for _ in range(5)]
    added = Entry.objects.filter(action="add", kind="birds.bird")
    assert 2 <= added.count() <= 4  # the minute may end in between
    # What is deleted is recorded each time.
    for key in made:
        asking.ask("DELETE", f"birds/{key}")
    assert Entry.objects.filter(action="delete", kind="birds.bird").count() == 5


def test_it_stands_and_falls_with_the_change() -> None:
    def fail() -> None:
        with transaction.atomic():
            make_nodes(1)
            record(Action.ADD, Node.objects.all())
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert not Entry.objects.exists()
    (node,) = make_nodes(1)
    node.name = "N" * 255
    record(Action.ADD, [node], "x" * 9_999)
    entry = Entry.objects.get()
    assert (len(entry.what), len(entry.detail)) == (255, Entry.LONGEST_DETAIL)


def test_nobody_changes_or_deletes_an_entry(database: Any) -> None:
    record(Action.ADD, detail="kept")
    statements = ["UPDATE audit_entry SET who = 'x'", "DELETE FROM audit_entry"]
    if database.vendor == "postgresql":
        statements.append("TRUNCATE audit_entry")
    for sql in statements:
        with pytest.raises(DatabaseError, match="append-only"), connection.cursor() as cursor:
            cursor.execute(sql)
    with pytest.raises(DatabaseError, match="append-only"):
        Entry.objects.get().delete()
    assert Entry.objects.get().detail == "kept"


def test_old_entries_go_by_a_command_alone(capsys: pytest.CaptureFixture[str]) -> None:
    for days in (400, 366, 364):
        at = timezone.now() - datetime.timedelta(days=days)
        Entry.objects.create(at=at, action="add", detail="old")
    call_command("pruneaudit", days=365)
    assert capsys.readouterr().out == "Deleted 2 entries.\n"
    assert Entry.objects.filter(detail="old").count() == 1
    assert Entry.objects.first().detail.startswith("Deleted 2 entries of the audit log from before")
    # And nothing can be deleted afterwards, as before.
    with pytest.raises(DatabaseError, match="append-only"):
        Entry.objects.all().delete()
    with pytest.raises(CommandError, match="--days is a number"):
        call_command("pruneaudit", days=0)


@configured(public=True)
def test_nobody_sees_it_but_admins() -> None:
    record(Action.ADD, detail="secret")
    assert Client().get("/audit/").status_code == 302
    for name, status in (("viewer", 403), ("operator", 403), ("admin", 200)):
        client = Client()
        user = User.objects.create_user(name)
        user.groups.add(Group.objects.get(name=name))
        client.force_login(user)
        for page in ("/audit/", "/audit/export/"):
            answer = client.get(page)
            assert answer.status_code == status, (name, page)
            answer.close()

"""The page of the audit log: filters, pages by key, files, and plans that use the indexes."""

import csv
import json

import pytest
from django.contrib.auth.models import User
from django.test import Client

from birdwatcher.audit.author import Author
from birdwatcher.audit.models import Action, Entry
from birdwatcher.audit.record import record
from birdwatcher.pages.audit import views
from tests.support.flock import make_nodes
from tests.support.plans import analyze, plan_of

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def client(database: object) -> Client:
    """A browser of a superuser, with some entries to see."""
    client = Client()
    client.force_login(User.objects.create_superuser("keeper"))
    (node,) = make_nodes(1)
    ranger = Author("ranger <b>", 7, "192.0.2.7", "script (bw_abc…)")
    for number in range(5):
        record(Action.CHANGE, [node], f"=change {number}", by=ranger)
    record(Action.FAILED, by=Author("", None, "2001:db8::7"))
    return client


def shown(client: Client, query: str) -> list[str]:
    """Return the details and actions of the listed entries."""
    return [it.detail or it.action for it in client.get(f"/audit/{query}").context["entries"]]


def test_the_newest_are_shown_and_older_ones_by_key(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "SHOWN", 3)
    first = client.get("/audit/?who=ranger+<b>")
    html = first.content.decode()
    assert "ranger &lt;b&gt;" in html
    assert "script (bw_abc…)" in html
    assert shown(client, "?who=ranger+<b>") == ["=change 4", "=change 3", "=change 2"]
    older = first.context["older"]
    record(Action.ADD, detail="meanwhile")  # which moves no page
    assert shown(client, older) == ["=change 1", "=change 0"]
    assert client.get(f"/audit/{older}").context["newest"] == "?who=ranger+%3Cb%3E"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 7),
        ("?action=failed+log-in", 1),
        ("?action=log+in&who=keeper", 1),
        ("?kind=nodes.node", 5),
        ("?kind=nodes.node&key=99", 0),
        ("?address=192.0.2.7", 5),
        ("?address=2001:db8:0::7", 1),
        ("?first=1999-01-01&last=2999-01-01", 7),
        ("?last=1999-01-01", 0),
    ],
)
def test_filters(client: Client, query: str, count: int) -> None:
    assert len(shown(client, query)) == count


@pytest.mark.parametrize(
    "query",
    ["?action=x", "?kind=x", "?address=x", "?first=x", "?last=9999-12-31", "?start=0", "?who=%00"],
)
def test_nonsense_is_told(client: Client, query: str) -> None:
    page = client.get(f"/audit/{query}")
    assert page.status_code == 200
    assert "notice-error" in page.content.decode()
    assert client.get(f"/audit/export/{query}").status_code == 400


def test_files(client: Client) -> None:
    lines = client.get("/audit/export/?kind=nodes.node").getvalue().decode().splitlines()
    rows = list(csv.DictReader(lines))
    assert [row["detail"] for row in rows] == [f"'=change {n}" for n in (4, 3, 2, 1, 0)]
    assert rows[0]["token"] == "script (bw_abc…)"
    text = client.get("/audit/export/?format=jsonl").getvalue().decode()
    assert json.loads(text.splitlines()[0])["action"] == "failed log-in"
    assert client.get("/audit/export/?format=xml").status_code == 400


def test_each_filter_has_its_index(client: Client) -> None:
    user = {"user": 1, "kind": "birds.bird", "action": "add"}
    Entry.objects.bulk_create(
        Entry(who=f"w{n % 500}", key=str(n), address="192.0.2.1", **user) for n in range(5_000)
    )
    analyze()
    for filters, index in (
        ({"who": "w7"}, "audit_entry_who"),
        ({"kind": "birds.bird", "key": "7"}, "audit_entry_object"),
        ({"action": "failed log-in"}, "audit_entry_action"),
    ):
        rows = Entry.objects.filter(**filters).order_by("-pk")[:51]
        sql, values = rows.query.sql_with_params()
        quoted = tuple(f"'{it}'" if isinstance(it, str) else it for it in values)
        assert index in plan_of(sql % quoted), filters

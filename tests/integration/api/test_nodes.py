"""Nodes, species and what is noted of nodes, through the API."""

import base64
import datetime
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from birdwatcher.audit.models import Entry
from birdwatcher.birds.models import Bird, Species
from birdwatcher.daemon.models import Daemon
from birdwatcher.nodes.models import Node, NodeStatus, RejectedPacket, StatusChange
from tests.support.configured import configured
from tests.support.counted import counts_agree
from tests.support.flock import NOON, make_flock, make_nodes
from tests.support.program import Caller

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

DARTMOOR = {"name": "Dartmoor", "ip_address": "10.0.3.2", "port": 9999}


def test_a_node_from_its_beginning_to_its_end(caller: Callable[..., Caller]) -> None:
    asking = caller()
    node = asking.post("nodes", {**DARTMOOR, "ip_address": "::ffff:10.0.3.2"})
    assert node["max_events_per_second"] is None
    path = f"nodes/{node['id']}"
    assert {name: node[name] for name in DARTMOOR} == DARTMOOR
    assert node["enabled"]
    assert asking.ask("PATCH", path, {"port": 9998}).json()["port"] == 9998
    assert asking.ask("PUT", path, {**DARTMOOR, "name": "Moor"}).json()["name"] == "Moor"
    assert not asking.post(f"{path}/disable", status=200)["enabled"]
    assert "no process" in asking.post(f"{path}/restart", status=400)["detail"]
    assert asking.post(f"{path}/enable", status=200)["enabled"]
    asking.post(f"{path}/restart", status=200)
    assert Node.objects.get().restarts == 1
    assert asking.ask("DELETE", path).status_code == 204
    assert asking.get(path, 404)
    said = list(Entry.objects.order_by("pk").values_list("detail", flat=True))
    assert [text.strip(".") for text in said] == [
        "Added by a program",
        "Changed by a program: port",
        "Changed by a program: name, ip_address, port",
        "Disabled",
        "Enabled",
        "Restarted its process",
        "Disabled",
        "Deleted by a program",
    ]


def test_what_is_wrong_with_a_node_is_said_by_its_field(caller: Callable[..., Caller]) -> None:
    asking = caller()
    asking.post("nodes", DARTMOOR)
    wrong = {"name": "a\tb", "ip_address": "224.0.0.1", "port": 0, "max_events_per_second": 0}
    assert asking.post("nodes", wrong, 400)["errors"].keys() == wrong.keys()
    again = asking.post("nodes", {**DARTMOOR, "ip_address": "::ffff:10.0.3.2"}, 400)
    assert "already" in again["detail"]
    for field, value in (("port", "9999"), ("enabled", 1), ("name", 7)):
        wrong = asking.post("nodes", {**DARTMOOR, field: value}, 400)
        assert list(wrong["errors"]) == [field]


def test_nodes_with_their_live_state(caller: Callable[..., Caller]) -> None:
    asking, now = caller("viewer", "read"), timezone.now()
    one, other, off = make_nodes(3)
    Node.objects.filter(pk=off.pk).update(enabled=False)
    NodeStatus.objects.create(node=one, state="connected", since=now, events=5, pid=7)
    NodeStatus.objects.create(node=other, state="backing off", since=now, last_error="refused")
    assert asking.get(f"nodes/{one.pk}")["status"]["state"] == "unknown"
    Daemon.objects.create(pk=Daemon.ONLY, pid=1, host="here", started_at=now, seen_at=now)
    told = asking.get(f"nodes/{one.pk}")["status"]
    assert (told["state"], told["events"], told["pid"]) == ("connected", 5, 7)
    for query, names in (
        ("state=backing off", ["N2"]),
        ("enabled=false", ["N3"]),
        ("search=n1", ["N1"]),
        ("ordering=-port", ["N3", "N2", "N1"]),
        ("page_size=1&page=2", ["N2"]),
    ):
        page = asking.get(f"nodes?{query}")
        assert [node["name"] for node in page["results"]] == names
    assert page["count"] == 3
    for query in ("enabled=perhaps", "state=happy", "page_size=0", "page_size=501", "ordering=x"):
        assert list(asking.get(f"nodes?{query}", 400)["errors"]) == [query.partition("=")[0]]
    for page in ("\uff11", "1_0", "-1", "last", "%201"):
        assert list(asking.get(f"nodes?page={page}", 400)["errors"]) == ["page"]
    twice = asking.get("nodes?page=9&page=1", 400)
    assert twice["errors"] == {"page": ["It must be given once."]}
    assert asking.get("nodes?page=9", 404)["detail"] == "There is no page “9”."


def test_pages_neither_double_a_node_nor_pass_over_it(caller: Callable[..., Caller]) -> None:
    asking = caller("viewer", "read")
    for number in range(4):
        Node.objects.create(name="N", ip_address="10.0.3.1", port=number + 1)
    for order in ("name", "-name", "ip_address"):
        with CaptureQueriesContext(connection) as queries:
            asking.get(f"nodes?ordering={order}&page_size=2")
        assert any(it["sql"].endswith('"nodes_node"."id" ASC LIMIT 2') for it in queries)


def test_a_species_goes_with_its_birds(caller: Callable[..., Caller]) -> None:
    make_flock(seed=1, count=40)
    asking, species = caller(), Species.objects.get(name="Wren")
    path = f"species/{species.pk}"
    assert asking.ask("PATCH", path, {"name": "Troglodytes"}).json()["name"] == "Troglodytes"
    assert list(asking.post("species", {"name": "Robin"}, 400)["errors"]) == ["name"]
    assert [it["name"] for it in asking.get("species?search=OB")["results"]] == ["Robin"]
    assert asking.ask("DELETE", path).status_code == 204
    assert not Bird.objects.filter(species=species.pk).exists()
    counts_agree()


def test_what_is_noted_of_nodes(caller: Callable[..., Caller]) -> None:
    asking, (one, other) = caller("viewer", "read"), make_nodes(2)
    minute = datetime.timedelta(minutes=1)
    for number in range(4):
        node, at = (one, other)[number % 2], NOON + number * minute
        StatusChange.objects.create(node=node, at=at, state="connected", detail=str(number))
        RejectedPacket.objects.create(node=node, at=at, reason="not JSON", size=2, raw=b"\0\xff")
    packet = asking.get("rejected-packets")["results"][0]
    assert base64.b64decode(packet["raw"]) == b"\0\xff"
    assert asking.get(f"rejected-packets/{packet['id']}") == packet
    start, end = ((NOON + n * minute).isoformat().replace("+", "%2B") for n in (1, 3))
    for query, details in (
        ("", ["3", "2", "1", "0"]),
        ("ordering=id", ["0", "1", "2", "3"]),
        (f"node={one.pk}", ["2", "0"]),
        (f"start={start}&end={end}", ["3", "2", "1"]),
        ("state=crashed", []),
    ):
        page = asking.get(f"status-changes?{query}")
        assert [change["detail"] for change in page["results"]] == details
    wrong = ("node=99", "node=\uff11", "node=0_1", "node=1.0", "start=soon", "reason=none", "x=1")
    for query in (f"start={end}&end={start}", *wrong, "node=99&node=1"):
        errors = asking.get(f"rejected-packets?{query}", 400)["errors"]
        assert list(errors) == [query.split("&")[-1].partition("=")[0]]


def test_no_node_is_pointed_at_a_forbidden_address(caller: Callable[..., Caller]) -> None:
    asking, (one,) = caller(), make_nodes(1)
    client = Client()
    client.force_login(User.objects.create_superuser("keeper"))
    fields = {"name": "Cloud", "port": 80, "enabled": True}
    for address, why in (
        ("169.254.169.254", "where cloud metadata services answer"),
        ("::ffff:169.254.169.254", "where cloud metadata services answer"),
        ("64:ff9b::a9fe:a9fe", "leads to 169.254.169.254"),
        ("fd00:ec2::254", "where cloud metadata services answer"),
    ):
        wrong = asking.post("nodes", {**fields, "ip_address": address}, 400)
        assert why in wrong["errors"]["ip_address"][0]
        moved = asking.ask("PATCH", f"nodes/{one.pk}", {"ip_address": address})
        assert moved.status_code == 400
        page = client.post("/admin/nodes/node/add/", {**fields, "ip_address": address})
        assert why in page.content.decode()
    # One that is there already is disabled and renamed away like any other.
    Node.objects.filter(pk=one.pk).update(ip_address="169.254.169.254")
    assert asking.post(f"nodes/{one.pk}/disable", status=200)["enabled"] is False
    assert client.get(f"/admin/nodes/node/{one.pk}/change/").status_code == 200
    assert asking.ask("PATCH", f"nodes/{one.pk}", {"ip_address": "10.0.0.1"}).status_code == 200


@configured(public=True)
def test_what_a_node_sent_is_for_people_who_are_logged_in(caller: Callable[..., Caller]) -> None:
    (node,) = make_nodes(1)
    at = timezone.now()
    RejectedPacket.objects.create(node=node, at=at, reason="not JSON", size=7, raw=b"s3cret!")
    stranger, known, browser = Caller(), caller("viewer", "read"), Client()
    browser.force_login(User.objects.get(username="viewer"))
    (shown,) = stranger.get("rejected-packets")["results"]
    assert (shown["raw"], shown["size"], shown["reason"]) == (None, 7, "not JSON")
    assert stranger.get(f"rejected-packets/{shown['id']}")["raw"] is None
    secrets = (b"s3cret", base64.b64encode(b"s3cret!"), b"73 33 63")
    for asking, expected in ((stranger, False), (known, True)):
        for form in ("json", "csv", "jsonl"):
            answer = asking.ask(
                "GET", f"rejected-packets?format={form}".removesuffix("?format=json")
            )
            sent = answer.getvalue() if answer.streaming else answer.content
            assert (secrets[1] in sent) is expected, form
    for client, expected in ((Client(), False), (browser, True)):
        page = client.get(f"/nodes/{node.pk}/").content
        assert (secrets[0] in page and secrets[2] in page) is expected
        assert (b"people who are logged in" in page) is not expected
        assert b"not JSON" in page

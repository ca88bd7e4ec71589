"""Who may do what through the API: every address and method, as each role, from one table."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from birdwatcher.api.schema import schema
from birdwatcher.birds.models import Bird, Species
from birdwatcher.nodes.models import Node, RejectedPacket, StatusChange
from tests.support.configured import configured
from tests.support.flock import NOON, insert
from tests.support.program import Caller, token_of

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]

# What each of these, in this order, gets: without a token, with one of a user in no group, and of
# each role with one for writing; last, an admin with a token for reading.
ROLES = ("anonymous", "nobody", "viewer", "operator", "admin")
READING = (401, 403, 200, 200, 200, 200)
OPERATING = (401, 403, 403, 200, 200, 403)
ADDING = (401, 403, 403, 403, 201, 403)
EDITING = (401, 403, 403, 403, 200, 403)
DELETING = (401, 403, 403, 403, 204, 403)
TABLE = {
    ("GET", "nodes"): READING,
    ("POST", "nodes"): ADDING,
    ("GET", "nodes/{id}"): READING,
    ("PUT", "nodes/{id}"): EDITING,
    ("PATCH", "nodes/{id}"): EDITING,
    ("DELETE", "nodes/{id}"): DELETING,
    ("POST", "nodes/{id}/enable"): OPERATING,
    ("POST", "nodes/{id}/restart"): OPERATING,
    ("POST", "nodes/{id}/disable"): OPERATING,
    ("GET", "nodes/{id}/count"): READING,
    ("GET", "species"): READING,
    ("POST", "species"): ADDING,
    ("GET", "species/{id}"): READING,
    ("PUT", "species/{id}"): EDITING,
    ("PATCH", "species/{id}"): EDITING,
    ("DELETE", "species/{id}"): DELETING,
    ("GET", "species/{id}/count"): READING,
    ("GET", "birds"): READING,
    ("POST", "birds"): ADDING,
    ("GET", "birds/{id}"): READING,
    ("DELETE", "birds/{id}"): DELETING,
    ("GET", "rejected-packets"): READING,
    ("GET", "rejected-packets/{id}"): READING,
    ("GET", "status-changes"): READING,
    ("GET", "status-changes/{id}"): READING,
    ("GET", "counts"): READING,
}


def body_of(path: str, number: int, node: int) -> dict[str, object]:
    """Return what can be sent to an address, with names of its own."""
    name = f"Name {number}"
    if path.startswith("nodes"):
        return {"name": name, "ip_address": "10.0.3.9", "port": 100 + number}
    if path.startswith("birds"):
        return {"timestamp": NOON.isoformat(), "name": name, "species": "Wren", "node_id": node}
    return {"name": name}


def keys(number: int) -> dict[str, int]:
    """Make one of everything, and return its key by the address under which it is."""
    node = Node.objects.create(name="N", ip_address="10.0.3.1", port=1000 + number)
    species = Species.objects.create(name=f"S{number}")
    (bird,) = insert([Bird(timestamp=NOON, name="B", species=species, node=node)])
    packet = RejectedPacket.objects.create(node=node, at=NOON, reason="not JSON", size=1, raw=b"x")
    change = StatusChange.objects.create(node=node, at=NOON, state="connected")
    found = {"nodes": node, "species": species, "birds": bird}
    found |= {"rejected-packets": packet, "status-changes": change}
    return {name: row.pk for name, row in found.items()}


def test_everything_as_each_role() -> None:
    callers = [Caller(), *(Caller(token_of(role)) for role in ROLES[1:])]
    callers.append(Caller(token_of("admin", scope="read")))
    found: dict[tuple[str, str], tuple[int, ...]] = dict.fromkeys(TABLE, ())
    for number, caller in enumerate(callers):
        for method, path in TABLE:
            there = keys(10 * number + sum(map(len, found.values())))
            address = path.replace("{id}", str(there.get(path.partition("/")[0])))
            if path == "counts":
                address += "?by=node"
            body = None
            if method in {"POST", "PUT", "PATCH"} and path.count("/") < 2:
                body = body_of(path, 10 * number + len(method), there["nodes"])
            found[method, path] += (caller.ask(method, address, body).status_code,)
    assert found == TABLE


def test_the_table_has_every_address_and_method() -> None:
    paths = schema()["paths"].items()
    known = {
        (method.upper(), path.removeprefix("/api/v1/"))
        for path, operations in paths
        for method in operations
    }
    assert known == TABLE.keys()


@configured(public=True)
def test_everybody_reads_and_nobody_writes_if_the_site_is_public() -> None:
    caller, there = Caller(), keys(1)
    for (method, path), expected in TABLE.items():
        address = path.replace("{id}", str(there.get(path.partition("/")[0])))
        query = "?by=node" if path == "counts" else ""
        status = caller.ask(method, address + query, {} if method != "GET" else None).status_code
        assert status == (200 if expected is READING else 401), (method, path)


def test_a_session_will_do_but_for_writing_needs_its_csrf_token() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("keeper"))
    assert client.get("/api/v1/nodes").status_code == 200
    body = {"data": {"name": "Wren"}, "content_type": "application/json"}
    refused = client.post("/api/v1/species", **body)
    assert refused.status_code == 403
    assert "CSRF" in refused.json()["detail"]
    page = client.get("/api/v1/")
    assert page.status_code == 200
    token = client.cookies["csrftoken"].value
    made = client.post("/api/v1/species", **body, headers={"X-CSRFToken": token})
    assert made.status_code == 201


def test_the_page_is_for_who_may_read_and_is_linked_for_them() -> None:
    client = Client()
    assert client.get("/api/v1/")["Location"] == "/login/?next=/api/v1/"
    assert client.get("/api/v1/schema/").status_code == 200
    token_of("viewer")
    client.force_login(User.objects.get(username="viewer"))
    page = client.get("/api/v1/")
    assert "swagger-ui-bundle" in page.content.decode()
    policy = page["Content-Security-Policy"]
    assert "img-src 'self' data:" in policy
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert 'href="/api/v1/"' in client.get("/").content.decode()
    token_of("nobody")
    client.force_login(User.objects.get(username="nobody"))
    assert 'href="/api/v1/"' not in client.get("/password/").content.decode()

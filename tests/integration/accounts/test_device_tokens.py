"""Tokens of devices: they belong to no person, last, and can do nothing but send."""

import re

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from birdwatcher.accounts.models import ApiToken
from birdwatcher.live.visitors import Refusal, visitor_of_program
from tests.support.configured import configured
from tests.support.flock import make_nodes
from tests.support.program import Caller

pytestmark = pytest.mark.usefixtures("database")

LIST = "/admin/accounts/apitoken/"
COUNTER = {"device_kind": "counter", "device": "283", "name": "North door", "scope": "ingest"}


@pytest.fixture
def admin(database: object) -> Client:
    """A browser in which an admin is logged in, who is no superuser."""
    user = User.objects.create_user("keeper", password="x", is_staff=True)
    user.groups.add(Group.objects.get(name="admin"))
    client = Client()
    client.force_login(user)
    return client


def made(admin: Client, **fields: str) -> str:
    """Make a token in the admin and return the secret that is shown."""
    page = admin.post(f"{LIST}add/", COUNTER | fields).content.decode()
    (secret,) = re.findall(r"bw_[\w-]{43}", page)
    return secret


def test_it_is_made_listed_outlives_its_maker_and_is_revoked(admin: Client) -> None:
    made(admin, device="", name="All doors")
    secret = made(admin)
    token = ApiToken.objects.get(device="283")
    assert (token.user, token.expires_at, token.state) == (None, None, "valid")
    # Editing its name leaves its owner and its endlessness alone.
    admin.post(f"{LIST}{token.pk}/change/", {"name": "South door", "device_kind": "tag"})
    listed = admin.get(LIST).content.decode()
    for text in ("South door", "counter 283", "every counter", "send for its device"):
        assert text in listed
    keeper = User.objects.get(username="keeper")
    keeper.set_password("another")
    keeper.save()
    keeper.delete()
    assert Caller(secret).ask("GET", "nodes").status_code == 403
    token.refresh_from_db()
    assert (token.state, token.expires_at, token.device_kind) == ("valid", None, "counter")
    assert token.last_used_at is not None
    chief = Client()
    chief.force_login(User.objects.create_superuser("chief"))
    chief.post(LIST, {"action": "revoke", "_selected_action": token.pk})
    assert Caller(secret).ask("GET", "nodes").status_code == 401


@configured(public=True)
def test_it_does_nothing_that_a_person_or_a_stranger_may(admin: Client) -> None:
    asking, (node,) = Caller(made(admin)), make_nodes(1)
    bird = {"timestamp": "2026-05-01T08:46:00Z", "name": "B", "species": "W", "node_id": node.pk}
    for method, path, body in (
        ("GET", "nodes", None),
        ("GET", "birds?format=csv", None),
        ("POST", "birds", bird),
        ("PATCH", f"nodes/{node.pk}", {"name": "x"}),
        ("POST", f"nodes/{node.pk}/disable", None),
        ("DELETE", f"nodes/{node.pk}", None),
        ("GET", "schema", None),
    ):
        answer = asking.ask(method, path, body)
        assert (answer.status_code, method) == (403, method), path
        assert "can only send" in answer.json()["detail"]
    headers = [(b"authorization", asking.headers["Authorization"].encode())]
    assert visitor_of_program({"headers": headers}).refusal is Refusal.NOT_ALLOWED


@pytest.mark.parametrize(
    "wrong",
    [
        {"scope": "write"},
        {"device_kind": ""},
        {"device_kind": "Counter 7"},
        {"user": "1"},
        {"user": "1", "device_kind": "", "device": ""},
        {"scope": "read", "device_kind": "", "device": ""},
    ],
)
def test_it_is_either_a_users_or_a_devices(admin: Client, wrong: dict[str, str]) -> None:
    if "user" in wrong:
        wrong = wrong | {"user": str(User.objects.get(username="keeper").pk)}
    assert "errorlist" in admin.post(f"{LIST}add/", COUNTER | wrong).content.decode()
    own = admin.post("/tokens/", {"name": "x", "scope": "ingest", "days": "9"}).content.decode()
    assert "field-error" in own
    assert not ApiToken.objects.exists()

"""Who may see and do what: every page and every action, as each role, from one table."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from birdwatcher.accounts.access import operating, reading
from birdwatcher.birds.models import Species
from birdwatcher.nodes.models import Node
from birdwatcher.pages.urls import urlpatterns
from tests.support.configured import configured

pytestmark = pytest.mark.usefixtures("database")

ANONYMOUS, NOBODY = "anonymous", "nobody"
ROLES = (ANONYMOUS, NOBODY, "viewer", "operator", "admin")
LOGIN = "/login/"

# What each of `ROLES`, in this order, gets for opening a page: its status, or where it is sent.
# Every address of the pages is in `PAGES`, or takes only POST and is in `ACTIONS`.
READING = (LOGIN, 403, 200, 200, 200)
AUDITING = (LOGIN, 403, 403, 403, 200)
PAGES = {
    "overview": READING,
    "nodes": READING,
    "node": READING,
    "node-set-aside": READING,
    "birds": READING,
    "birds-export": READING,
    "birds-exports": READING,
    "all-species": READING,
    "species": READING,
    "system": READING,
    "audit": AUDITING,
    "audit-export": AUDITING,
}
# What each gets for an action without anything to act on.
OPERATING = (LOGIN, 403, 403, 302, 302)
DECIDING = (LOGIN, 403, 403, 403, 302)
ACTIONS: dict[str, tuple[int | str, ...]] = {
    "nodes-act": OPERATING,
    "node-set-aside-act": DECIDING,
}
# The admin is for the groups operator and admin, if their users are also marked as staff.
ADMIN_LOGIN = "/admin/login/"
ADMIN_PAGES = {
    "/admin/": (ADMIN_LOGIN, ADMIN_LOGIN, ADMIN_LOGIN, 200, 200),
    "/admin/nodes/node/": (ADMIN_LOGIN, ADMIN_LOGIN, ADMIN_LOGIN, 200, 200),
    "/admin/nodes/node/add/": (ADMIN_LOGIN, ADMIN_LOGIN, ADMIN_LOGIN, 403, 200),
    "/admin/nodes/statuschange/": (ADMIN_LOGIN, ADMIN_LOGIN, ADMIN_LOGIN, 200, 200),
    "/admin/nodes/rejectedpacket/": (ADMIN_LOGIN, ADMIN_LOGIN, ADMIN_LOGIN, 200, 200),
    "/admin/birds/bird/": (ADMIN_LOGIN, ADMIN_LOGIN, ADMIN_LOGIN, 200, 200),
    "/admin/birds/bird/add/": (ADMIN_LOGIN, ADMIN_LOGIN, ADMIN_LOGIN, 403, 200),
    "/admin/birds/species/add/": (ADMIN_LOGIN, ADMIN_LOGIN, ADMIN_LOGIN, 403, 200),
    "/admin/accounts/apitoken/": (ADMIN_LOGIN, ADMIN_LOGIN, ADMIN_LOGIN, 403, 200),
    "/admin/accounts/apitoken/add/": (ADMIN_LOGIN, ADMIN_LOGIN, ADMIN_LOGIN, 403, 200),
    "/admin/auth/user/": (ADMIN_LOGIN, ADMIN_LOGIN, ADMIN_LOGIN, 403, 200),
    "/admin/auth/user/add/": (ADMIN_LOGIN, ADMIN_LOGIN, ADMIN_LOGIN, 403, 200),
    "/admin/auth/group/": (ADMIN_LOGIN, ADMIN_LOGIN, ADMIN_LOGIN, 403, 200),
    "/admin/auth/group/add/": (ADMIN_LOGIN, ADMIN_LOGIN, ADMIN_LOGIN, 403, 200),
}


def user_of(role: str) -> User:
    """Make a user in the group of `role`."""
    user = User.objects.create_user(role, is_staff=role in {"operator", "admin"})
    if role != NOBODY:
        user.groups.add(Group.objects.get(name=role))
    return user


def clients() -> Iterator[Client]:
    """Yield a browser for each of `ROLES`."""
    for role in ROLES:
        client = Client()
        if role != ANONYMOUS:
            client.force_login(user_of(role))
        yield client


def addresses() -> dict[str, str]:
    """Return the address of each page and action, of a node and a species that are there."""
    node = Node.objects.create(name="Dartmoor", ip_address="10.0.3.2", port=9999).pk
    keys = dict.fromkeys(("node", "node-set-aside", "node-set-aside-act"), node)
    keys["species"] = Species.objects.create(name="Wren").pk
    return {
        name: reverse(f"pages:{name}", args=[keys[name]] if name in keys else [])
        for name in (*PAGES, *ACTIONS)
    }


def outcome(client: Client, address: str) -> int | str:
    """Return the status of a page, or where it redirects to, without what follows "?"."""
    response = client.get(address)
    response.close()  # an export would else go on until somebody collects it
    if response.status_code == 302:
        target, _, query = response["Location"].partition("?")
        assert query == f"next={address}"
        return target
    return response.status_code


def test_every_page_as_each_role() -> None:
    found = {name: tuple[int | str, ...]() for name in PAGES}
    visited = addresses()
    for client in clients():
        for name in PAGES:
            found[name] += (outcome(client, visited[name]),)
    assert found == PAGES


def test_the_admin_as_each_role() -> None:
    found = {address: tuple[int | str, ...]() for address in ADMIN_PAGES}
    for client in clients():
        for address in ADMIN_PAGES:
            found[address] += (outcome(client, address),)
    assert found == ADMIN_PAGES


def test_the_tables_have_every_address() -> None:
    assert {pattern.name for pattern in urlpatterns} == PAGES.keys() | ACTIONS.keys()


def test_every_action_as_each_role() -> None:
    found = {name: tuple[int | str, ...]() for name in ACTIONS}
    visited = addresses()
    for client in clients():
        for name in ACTIONS:
            assert client.get(visited[name]).status_code == 405
            response = client.post(visited[name])
            sent_away = response.get("Location", "").startswith(LOGIN)
            found[name] += (LOGIN if sent_away else response.status_code,)
    assert found == ACTIONS


@configured(public=True)
def test_everybody_may_read_if_the_site_is_public() -> None:
    visited = addresses()
    client = Client()
    found = {name: outcome(client, visited[name]) for name in PAGES}
    assert found == {name: LOGIN if PAGES[name] == AUDITING else 200 for name in PAGES}
    assert 'href="/login/?next=/"' in client.get("/").content.decode()
    assert outcome(client, "/admin/") == ADMIN_LOGIN


@reading
def look(_request: HttpRequest) -> HttpResponse:
    """A page like any other."""
    return HttpResponse("seen")


@operating
def act(_request: HttpRequest) -> HttpResponse:
    """An action like any other."""
    return HttpResponse("done")


def test_an_action_takes_the_permission_and_post() -> None:
    request = RequestFactory().post("/nodes/restart/")
    request.user = AnonymousUser()
    # Back to where pages begin: an action cannot be opened.
    assert act(request)["Location"] == "/login/?next=/"
    for role in ("viewer", "operator"):
        request.user = user_of(role)
        if role == "viewer":
            with pytest.raises(PermissionDenied):
                act(request)
        else:
            assert act(request).content == b"done"
    request.method = "GET"
    assert act(request).status_code == 405


def test_a_page_is_not_kept_by_anybody_on_the_way() -> None:
    request = RequestFactory().get("/birds/?species=7")
    request.user = user_of("viewer")
    assert "no-store" in look(request)["Cache-Control"]
    request.method = "POST"
    assert look(request).status_code == 405


def test_an_open_page_whose_session_is_over_is_loaded_again() -> None:
    """Else htmx would put the log-in form into the middle of it."""
    response = Client().get("/nodes/", headers={"HX-Request": "true"})
    assert (response.status_code, response["HX-Refresh"]) == (200, "true")
    assert response.content == b""


def test_the_navigation_leads_only_where_one_may_go() -> None:
    expected = {
        NOBODY: [],
        "viewer": ["Overview", "Nodes", "Birds", "Species", "System"],
        "operator": ["Overview", "Nodes", "Birds", "Species", "System", "Admin"],
    }
    for role, titles in expected.items():
        client = Client()
        client.force_login(user_of(role))
        assert [entry["title"] for entry in client.get("/").context["navigation"]] == titles


def test_an_account_that_is_closed_sees_nothing() -> None:
    user = user_of("admin")
    client = Client()
    client.force_login(user)
    assert outcome(client, "/") == 200
    User.objects.update(is_active=False)
    assert outcome(client, "/") == LOGIN


@pytest.mark.parametrize("key", [r'"\000aaaaaaaaa"', r'"\303\251aaaaaaaa"', "a" * 41, "AAAAAAAAAA"])
def test_a_cookie_that_names_no_session(key: str) -> None:
    for address, status in (("/", LOGIN), ("/login/", 200), ("/api/v1/nodes", 401)):
        client = Client(headers={"Cookie": f"sessionid={key}"})
        assert outcome(client, address) == status


def test_the_permissions_have_their_names() -> None:
    """The groups' migration makes permissions before Django does; it must not make others."""
    named = dict(Permission.objects.values_list("codename", "name"))
    assert named["operate_node"] == "Can enable, disable and restart nodes"
    assert named["view_statuschange"] == "Can view status change"
    assert named["view_rejectedpacket"] == "Can view rejected packet"
    assert len(named) == Permission.objects.count()

"""Users and groups in the admin: an admin who is no superuser gives nobody more than he has."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

pytestmark = pytest.mark.usefixtures("database")

USERS, GROUPS = "/admin/auth/user/", "/admin/auth/group/"
WORDS = "the heron stands still"


@pytest.fixture
def admin(database: object) -> User:
    """A user in the group `admin`, of the staff."""
    user = User.objects.create_user("admin", is_staff=True)
    user.groups.add(Group.objects.get(name="admin"))
    return user


@pytest.fixture
def client(admin: User) -> Client:
    """A browser in which the admin is logged in."""
    client = Client()
    client.force_login(admin)
    return client


def group(name: str) -> Group:
    """Return the group of a role, or a new one, which may look into sessions."""
    found, new = Group.objects.get_or_create(name=name)
    if new:
        found.permissions.add(Permission.objects.get(codename="view_session"))
    return found


def fields(user: User, *groups: str, **others: object) -> dict[str, object]:
    """Return what the form of a user sends to put him into `groups`."""
    keys = [group(name).pk for name in groups]
    joined = {"date_joined_0": "2025-06-01", "date_joined_1": "12:00:00"}
    flags = {"is_active": "on", "is_staff": "on"}
    return {"username": user.username, "groups": keys, **joined, **flags, **others}


def test_an_admin_puts_people_into_the_roles(client: Client) -> None:
    user = User.objects.create_user("ranger")
    answer = client.post(f"{USERS}{user.pk}/change/", fields(user, "viewer", "operator", "admin"))
    assert answer.status_code == 302
    assert set(user.groups.values_list("name", flat=True)) == {"viewer", "operator", "admin"}
    passwords = {"password1": WORDS, "password2": WORDS, "usable_password": "true"}
    assert client.post(f"{USERS}{user.pk}/password/", passwords).status_code == 302
    assert client.post(f"{USERS}{user.pk}/delete/", {"post": "yes"}).status_code == 302
    assert client.post(f"{USERS}add/", {"username": "warden", **passwords}).status_code == 302
    assert User.objects.filter(username="warden", is_superuser=False).exists()
    assert not User.objects.filter(pk=user.pk).exists()


def test_an_admin_does_not_make_himself_superuser(client: Client, admin: User) -> None:
    more = Permission.objects.get(codename="view_session")
    sent = fields(admin, "admin", is_superuser="on", user_permissions=[more.pk])
    assert client.post(f"{USERS}{admin.pk}/change/", sent).status_code == 302
    admin.refresh_from_db()
    assert not admin.is_superuser
    assert not admin.user_permissions.exists()


def test_an_admin_gives_no_group_that_may_do_more(client: Client, admin: User) -> None:
    answer = client.post(f"{USERS}{admin.pk}/change/", fields(admin, "admin", "auditors"))
    assert "not one of the available choices" in answer.content.decode()
    assert [it.name for it in admin.groups.all()] == ["admin"]


def test_an_admin_makes_no_group_that_may_do_more(client: Client) -> None:
    more = Permission.objects.get(codename="view_session").pk
    own = Permission.objects.get(codename="add_bird").pk
    for address, name in ((f"{GROUPS}add/", "new"), (f"{GROUPS}{group('admin').pk}/change/", "a")):
        answer = client.post(address, {"name": name, "permissions": [own, more]})
        assert "not one of the available choices" in answer.content.decode()
    assert client.post(f"{GROUPS}add/", {"name": "new", "permissions": [own]}).status_code == 302
    address = f"{GROUPS}{group('auditors').pk}/"
    for page, sent in (("change/", {"name": "x", "permissions": []}), ("delete/", {"post": "yes"})):
        assert client.post(address + page, sent).status_code == 403
    assert group("auditors").permissions.exists()


@pytest.mark.parametrize("kind", ["superuser", "permission", "group"])
@pytest.mark.parametrize("active", [True, False])
def test_whoever_may_do_more_is_left_alone(client: Client, kind: str, active: bool) -> None:
    user = User.objects.create_user("keeper", is_active=active, is_superuser=kind == "superuser")
    if kind == "permission":
        user.user_permissions.add(Permission.objects.get(codename="view_session"))
    if kind == "group":
        user.groups.add(group("auditors"))
    before = User.objects.values().get(pk=user.pk)
    address = f"{USERS}{user.pk}/"
    assert client.get(f"{address}change/").status_code == 200
    passwords = {"password1": WORDS, "password2": WORDS, "usable_password": "true"}
    for page, sent in (
        (f"{address}change/", fields(user, "viewer")),
        (f"{address}password/", passwords),
        (f"{address}delete/", {"post": "yes"}),
        (USERS, {"action": "delete_selected", "_selected_action": [user.pk], "post": "yes"}),
    ):
        assert client.post(page, sent).status_code == 403
    assert client.get(f"{address}password/").status_code == 403
    assert User.objects.values().get(pk=user.pk) == before


def test_a_superuser_may_do_all_of_it(client: Client, admin: User) -> None:
    client.force_login(User.objects.create_superuser("keeper"))
    more = Permission.objects.get(codename="view_session")
    sent = fields(admin, "auditors", is_superuser="on", user_permissions=[more.pk])
    assert client.post(f"{USERS}{admin.pk}/change/", sent).status_code == 302
    admin.refresh_from_db()
    assert admin.is_superuser
    assert [it.name for it in admin.groups.all()] == ["auditors"]
    assert admin.user_permissions.get() == more
    passwords = {"password1": WORDS, "password2": WORDS, "usable_password": "true"}
    assert client.post(f"{USERS}{admin.pk}/password/", passwords).status_code == 302
    assert client.post(f"{USERS}{admin.pk}/delete/", {"post": "yes"}).status_code == 302

"""Tokens: made and revoked in the admin, kept as a hash, and as good as their user."""

import datetime
import re

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from birdwatcher.accounts import tokens
from birdwatcher.accounts.models import ApiToken

pytestmark = pytest.mark.usefixtures("database")

MINUTE = datetime.timedelta(minutes=1)
ADD, LIST = "/admin/accounts/apitoken/add/", "/admin/accounts/apitoken/"


@pytest.fixture
def user(database: object) -> User:
    """Whose tokens these are."""
    return User.objects.create_user("ranger")


def make(user: User, **fields: object) -> tuple[ApiToken, str]:
    """Make a token and return it with its secret."""
    token = ApiToken(user=user, name="script", **fields)
    secret = tokens.renew(token)
    token.save()
    return token, secret


def admin_of(name: str, **fields: object) -> Client:
    """Return a browser in which an admin is logged in."""
    admin = User.objects.create_user(name, is_staff=True, **fields)
    admin.groups.add(Group.objects.get(name="admin"))
    client = Client()
    client.force_login(admin)
    return client


def test_only_its_secret_finds_a_token(user: User) -> None:
    token, secret = make(user)
    assert tokens.authenticate(secret) == token
    assert re.fullmatch(r"bw_[\w-]{43}", secret)
    others = ("", "bw_", secret[:-1], f"{secret}x", secret.swapcase(), token.hash, "bw_" + 43 * "é")
    assert [tokens.authenticate(other) for other in others] == [None] * len(others)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM api_apitoken")
        assert secret not in str(cursor.fetchall())


def test_a_token_that_is_over_finds_nobody(user: User) -> None:
    now = timezone.now()
    _, good = make(user, expires_at=now + MINUTE)
    over = [make(user, expires_at=now - MINUTE)[1], make(user, revoked_at=now)[1]]
    assert tokens.authenticate(good)
    assert [tokens.authenticate(secret) for secret in over] == [None, None]
    User.objects.update(is_active=False)
    assert tokens.authenticate(good) is None


def test_its_use_is_noted_once_a_minute(user: User) -> None:
    token, secret = make(user)
    tokens.authenticate(secret)
    token.refresh_from_db()
    first = token.last_used_at
    assert timezone.now() - first < MINUTE
    with CaptureQueriesContext(
        connection,
    ) as queries:
        tokens.authenticate(secret)
    assert len(queries) == 1
    ApiToken.objects.update(last_used_at=first - 2 * MINUTE)
    tokens.authenticate(secret)
    token.refresh_from_db()
    assert token.last_used_at >= first


def test_a_bearer_is_known_by_the_header() -> None:
    assert tokens.bearer("Bearer bw_x") == tokens.bearer(" bearer  bw_x ") == "bw_x"
    assert tokens.bearer("Basic bw_x") is None
    assert tokens.bearer("") is None


def test_the_admin_shows_a_new_secret_once(user: User) -> None:
    client = admin_of("keeper")
    fields = {"user": user.pk, "name": "map", "scope": "write"}
    page = client.post(ADD, fields)
    (secret,) = re.findall(r"bw_[\w-]{43}", page.content.decode())
    assert "no-store" in page["Cache-Control"]
    token = tokens.authenticate(secret)
    assert token is not None
    assert (token.user, token.scope) == (user, "write")
    ninety = datetime.timedelta(days=90)
    assert abs(token.expires_at - timezone.now() - ninety) < MINUTE
    change = f"{LIST}{token.pk}/change/"
    shown = client.get(LIST).content.decode() + client.get(change).content.decode()
    assert secret not in shown
    assert token.prefix in shown
    # Neither its user nor its scope become others, and without an end it gets one.
    client.post(change, {"name": "atlas", "user": 99, "scope": "read", "hash": "x"})
    token.refresh_from_db()
    assert abs(token.expires_at - timezone.now() - ninety) < MINUTE
    assert (token.name, token.user, token.scope) == ("atlas", user, "write")
    assert tokens.authenticate(secret)
    client.post(LIST, {"action": "revoke", "_selected_action": token.pk})
    assert tokens.authenticate(secret) is None
    assert "revoked" in client.get(LIST).content.decode()


def test_a_token_expires_at_a_time_that_every_zone_can_show(user: User) -> None:
    client = admin_of("keeper")
    fields = {"user": user.pk, "name": "map", "scope": "read"}
    for zone, day, clock, taken in (
        ("Asia/Tokyo", "0001-01-01", "00:00:00", False),
        ("UTC", "0001-01-01", "23:59:59", False),
        ("America/New_York", "9999-12-31", "23:00:00", False),
        ("UTC", "9999-12-31", "23:00:00", False),
        ("UTC", "0001-01-02", "00:00:00", True),
        ("UTC", "9999-12-30", "00:00:00", True),
    ):
        client.cookies["timezone"] = zone
        page = client.post(ADD, {**fields, "expires_at_0": day, "expires_at_1": clock})
        assert page.status_code == 200
        assert ("time that can be kept is" in page.content.decode()) is not taken, (zone, day)
    assert ApiToken.objects.count() == 2
    for zone in ("Asia/Tokyo", "Pacific/Kiritimati", "America/New_York", "Etc/GMT+12"):
        client.cookies["timezone"] = zone
        assert client.get(LIST).status_code == 200
        for token in ApiToken.objects.all():
            assert client.get(f"{LIST}{token.pk}/change/").status_code == 200


def clerk() -> Client:
    """Return a browser of a member of staff who may only see users, and handle tokens."""
    staff = User.objects.create_user("clerk", is_staff=True)
    names = [f"{it}_apitoken" for it in ("view", "add", "change", "delete")]
    staff.user_permissions.set(Permission.objects.filter(codename__in=[*names, "view_user"]))
    client = Client()
    client.force_login(staff)
    return client


@pytest.mark.parametrize("stronger", ["superuser", "admin", "one by one"])
def test_a_token_is_no_way_to_the_powers_of_another(stronger: str) -> None:
    boss = User.objects.create_user("boss", is_superuser=stronger == "superuser")
    if stronger == "admin":
        boss.groups.add(Group.objects.get(name="admin"))
    if stronger == "one by one":
        boss.user_permissions.add(Permission.objects.get(codename="operate_node"))
    fields = {"user": boss.pk, "name": "map", "scope": "write"}
    weaker = clerk()
    assert "errorlist" in weaker.post(ADD, fields).content.decode()
    assert not ApiToken.objects.exists()
    # Nor are the tokens of such a user touched: neither prolonged, revoked nor deleted.
    token, secret = make(boss)
    one = f"{LIST}{token.pk}"
    later = {"name": "map", "expires_at_0": "2999-01-01", "expires_at_1": "00:00:00"}
    assert weaker.post(f"{one}/change/", later).status_code == 403
    assert weaker.post(f"{one}/delete/", {"post": "yes"}).status_code == 403
    weaker.post(LIST, {"action": "revoke", "_selected_action": token.pk})
    assert tokens.authenticate(secret)
    admin_of("chief", is_superuser=True).post(ADD, fields)
    assert ApiToken.objects.count() == 2


@pytest.mark.parametrize("rest", ["", "apitoken", "apitoken/", "apitoken/{pk}/change/?_popup=1"])
def test_bookmarks_of_their_old_address_go_on_working(user: User, rest: str) -> None:
    rest = rest.format(pk=make(user)[0].pk)
    (first, status), *_ = Client().get(f"/admin/api/{rest}", follow=True).redirect_chain
    assert (first, status) == (f"/admin/accounts/{rest}", 302)
    page = admin_of("keeper").get(f"/admin/api/{rest}", follow=True)
    assert page.status_code == 200
    assert page.request["PATH_INFO"].startswith("/admin/accounts/")

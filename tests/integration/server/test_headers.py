"""What the answers tell a browser to refuse, and the cookies."""

import re

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client, override_settings

pytestmark = pytest.mark.usefixtures("database")

PAGES = ("/", "/nodes/", "/birds/", "/species/", "/system/", "/password/", "/api/v1/")
ADMIN = ("/admin/", "/admin/nodes/node/", "/admin/nodes/node/add/", "/admin/birds/bird/")
INLINE = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|<style|\sstyle=|\son\w+=\"")


@pytest.fixture
def client() -> Client:
    """A browser in which a superuser is logged in."""
    client = Client()
    client.force_login(User.objects.create_superuser("keeper"))
    return client


@pytest.mark.parametrize("address", [*PAGES, *ADMIN, "/login/", "/no-such-page/", "/healthz"])
def test_every_answer_is_strict(client: Client, address: str) -> None:
    headers = client.get(address).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("address", [*PAGES, *ADMIN, "/login/"])
def test_nothing_stands_in_a_page_that_the_policy_refuses(client: Client, address: str) -> None:
    page = Client() if address == "/login/" else client
    assert not INLINE.findall(page.get(address).content.decode())


def test_nothing_comes_from_elsewhere(client: Client) -> None:
    for address in PAGES:
        page = client.get(address).content.decode()
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)


def test_the_sign_of_the_site_is_found_without_being_named() -> None:
    response = Client().get("/favicon.ico")
    assert (response.status_code, response["Location"]) == (302, "/static/pages/bird.svg")
    picture = Client().get(response["Location"])
    assert picture["Content-Type"] == "image/svg+xml"
    picture.close()


@override_settings(
    SECURE_SSL_REDIRECT=True,
    SECURE_HSTS_SECONDS=31536000,
    SESSION_COOKIE_SECURE=True,
    CSRF_COOKIE_SECURE=True,
)
def test_over_https() -> None:
    User.objects.create_user("ranger", password="the heron stands still")
    client = Client()
    assert client.get("/login/").status_code == 301
    page = client.get("/login/", secure=True)
    assert "max-age=31536000" in page["Strict-Transport-Security"]
    fields = {"username": "ranger", "password": "the heron stands still"}
    assert client.post("/login/", fields, secure=True).status_code == 302
    for name in (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME):
        cookie = client.cookies[name]
        assert cookie["secure"]
        assert cookie["samesite"] == "Lax"
    assert client.cookies[settings.SESSION_COOKIE_NAME]["httponly"]


def test_a_form_without_its_token_is_refused_in_words() -> None:
    response = Client(enforce_csrf_checks=True).post("/login/", {"username": "x", "password": "y"})
    assert response.status_code == 403
    assert "The form could not be accepted" in response.content.decode()


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/login/", 400, "The request could not be understood"),
        ("/no-such-page/", 404, "There is no such page"),
        ("/api/v1/", 400, '"errors": {}'),
    ],
)
def test_a_form_that_cannot_be_read_is_refused_in_words(
    client: Client, address: str, status: int, words: str
) -> None:
    """Whoever answers must not look for the token in it once more."""
    client.handler.enforce_csrf_checks = True
    client.cookies["csrftoken"] = 32 * "a"
    kind = "application/x-www-form-urlencoded; charset=iso-8859-1"
    response = client.post(address, "username=x", content_type=kind)
    assert response.status_code == status
    assert words in response.content.decode()


def test_a_query_that_is_too_long_is_refused_in_words(client: Client) -> None:
    response = client.get(f"/birds/?{(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1) * '&a'}")
    assert response.status_code == 400
    assert "The request could not be understood" in response.content.decode()

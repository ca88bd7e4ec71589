"""Guessing one person's password from everywhere, without shutting that person out."""

from collections.abc import Iterator

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.test import Client, override_settings

from birdwatcher.accounts import guessing, rate_limit

NAME, PASSWORD, WRONG = "ranger", "the heron stands still", "hunter2"
MD5 = ["django.contrib.auth.hashers.MD5PasswordHasher"]
PAGES = ("/login/", "/admin/login/")
NOW = 1_000_000 * 60.0


@pytest.fixture(autouse=True)
def user(database: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[User]:
    """Somebody to guess at; the minute does not end, and nothing is remembered of other tests."""
    monkeypatch.setattr(rate_limit, "grants", rate_limit.Grants(rate_limit.take_share))
    monkeypatch.setattr(rate_limit, "clock", lambda: NOW)
    with override_settings(PASSWORD_HASHERS=MD5):
        yield User.objects.create_user(NAME, password=PASSWORD, is_staff=True)


def attempt(page: str, password: str, name: str = NAME, client: Client | None = None) -> Client:
    """Try to log in from an address and a browser of its own."""
    browser = client or Client()
    number = AccessAttempt.objects.count()
    fields = {"username": name, "password": password, "next": "/admin/"}
    address = f"198.51.{number // 250}.{number % 250 + 1}"
    browser.answer = browser.post(page, fields, REMOTE_ADDR=address)
    return browser


@pytest.mark.parametrize("page", PAGES)
def test_many_addresses_share_one_bound_and_the_person_does_not(
    page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = attempt(page, PASSWORD)
    assert known.answer.status_code == 302
    assert known.cookies["known"]["httponly"]
    known.post("/logout/")
    for _ in range(guessing.STRANGERS - 1):
        assert "Too many" not in attempt(page, WRONG).answer.content.decode()
    counted = AccessAttempt.objects.count()
    # Now a stranger is not even asked, not with the right password, and no address is blamed.
    answer = attempt(page, PASSWORD).answer
    assert (answer.status_code, "Too many attempts" in answer.content.decode()) == (200, True)
    assert AccessAttempt.objects.count() == counted
    # The person's own browser is; other names are; and after a minute everybody is again.
    assert attempt(page, PASSWORD, client=known).answer.status_code == 302
    assert "Too many" not in attempt(page, WRONG, name="warden").answer.content.decode()
    monkeypatch.setattr(rate_limit, "clock", lambda: NOW + 60)
    assert attempt(page, PASSWORD).answer.status_code == 302


def test_the_cookie_of_another_does_not_help() -> None:
    User.objects.create_user("warden", password=PASSWORD)
    other = attempt("/login/", PASSWORD, name="warden")
    other.post("/logout/")
    for _ in range(guessing.STRANGERS):
        attempt("/login/", WRONG, client=other)
    assert "Too many" in attempt("/login/", PASSWORD, client=other).answer.content.decode()
    forged = Client()
    forged.cookies["known"] = other.cookies["known"].value[:-1] + "x"
    assert "Too many" in attempt("/login/", PASSWORD, client=forged).answer.content.decode()


def test_the_old_password_is_not_guessed_in_an_open_session(user: User) -> None:
    client = Client()
    client.force_login(user)
    assert client.get("/admin/password_change/")["Location"] == "/password/"
    new = {"new_password1": "a bittern booms", "new_password2": "a bittern booms"}
    for _ in range(guessing.OLD_PASSWORDS):
        page = client.post("/password/", {"old_password": WRONG, **new}).content.decode()
        assert "entered incorrectly" in page
    page = client.post("/password/", {"old_password": PASSWORD, **new}).content.decode()
    assert "Too many attempts" in page
    user.refresh_from_db()
    assert user.check_password(PASSWORD)

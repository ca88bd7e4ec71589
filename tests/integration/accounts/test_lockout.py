"""Logging in, and what becomes of whoever guesses."""

import datetime
import logging
from collections.abc import Iterator

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client, override_settings
from django.utils import timezone

from tests.support.configured import configured
from tests.support.databases import Database

NAME, PASSWORD, WRONG = "ranger", "the heron stands still", "hunter2-typed-by-mistake"
PAGES = ("/login/", "/admin/login/")


@pytest.fixture(autouse=True)
def user(database: Database) -> Iterator[User]:
    """Somebody who may log in, into the admin too; guessing costs the tests little time."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield User.objects.create_user(NAME, password=PASSWORD, is_staff=True)


def log_in(password: str, page: str = "/login/", name: str = NAME, **headers: str) -> int:
    """Try to log in from a browser of its own and return the answer's status."""
    fields = {"username": name, "password": password, "next": "/admin/"}
    return Client().post(page, fields, **headers).status_code


def fail(times: int, **headers: str) -> None:
    """Fail to log in so often, each time with another name and another browser."""
    for number in range(times):
        agent = {"HTTP_USER_AGENT": f"browser {number}"}
        assert log_in(WRONG, name=f"{WRONG}{number}", **agent, **headers) in {200, 429}


def a_pause_later() -> None:
    """Let the pause pass."""
    AccessAttempt.objects.update(
        attempt_time=timezone.now() - settings.AXES_COOLOFF_TIME - datetime.timedelta(seconds=1)
    )


@pytest.mark.parametrize("page", PAGES)
def test_guessing_is_stopped_and_goes_on_after_a_pause(
    page: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        fail(settings.AXES_FAILURE_LIMIT - 1)
        assert log_in(PASSWORD, page) == 302
        fail(1)
        response = Client().post(page, {"username": NAME, "password": PASSWORD})
        assert response.status_code == 429
        assert response["Retry-After"] == "600"
        assert "Wait for 10 minutes" in response.content.decode()
        # From elsewhere, the same account is not shut.
        assert log_in(PASSWORD, page, REMOTE_ADDR="192.0.2.7") == 302
    (line,) = [r.getMessage() for r in caplog.records if r.name == "birdwatcher.accounts"]
    assert line == "10 failures to log in from 127.0.0.1; it has to wait for 10 minutes"
    a_pause_later()
    assert log_in(PASSWORD, page) == 302


def test_whoever_tries_again_meanwhile_does_not_wait_longer() -> None:
    fail(settings.AXES_FAILURE_LIMIT)
    before = list(AccessAttempt.objects.order_by("pk").values_list("attempt_time", flat=True))
    fail(3)
    assert before == list(
        AccessAttempt.objects.order_by("pk").values_list("attempt_time", flat=True)
    )


def test_what_was_typed_is_neither_logged_nor_kept(caplog: pytest.LogCaptureFixture) -> None:
    """People type their password into the field of the name."""
    with caplog.at_level(logging.DEBUG):
        fail(settings.AXES_FAILURE_LIMIT + 1)
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert WRONG not in said
    assert PASSWORD not in said
    kept = [str(row) for row in AccessAttempt.objects.values()]
    assert len(kept) == settings.AXES_FAILURE_LIMIT
    assert WRONG not in "".join(kept)


def test_behind_a_proxy_the_visitors_address_counts() -> None:
    with configured(trust_proxy=True):
        # What stands before the proxy's own word, the visitor may have made up.
        fail(settings.AXES_FAILURE_LIMIT, HTTP_X_FORWARDED_FOR="198.51.100.9, 203.0.113.5")
        assert log_in(PASSWORD, HTTP_X_FORWARDED_FOR="198.51.100.1, 203.0.113.5") == 429
        assert log_in(PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.6") == 302


def test_without_a_trusted_proxy_nobody_changes_his_address() -> None:
    for number in range(settings.AXES_FAILURE_LIMIT):
        log_in(WRONG, HTTP_X_FORWARDED_FOR=f"203.0.113.{number}")
    assert log_in(PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.99") == 429


def test_a_network_of_ipv6_counts_as_one() -> None:
    fail(settings.AXES_FAILURE_LIMIT, REMOTE_ADDR="2001:db8:0:7::1")
    assert log_in(PASSWORD, REMOTE_ADDR="2001:db8:0:7:ffff::2") == 429
    assert log_in(PASSWORD, REMOTE_ADDR="2001:db8:0:8::1") == 302


def test_no_address_at_all_is_an_address_too() -> None:
    """Over a local socket there is none."""
    fail(settings.AXES_FAILURE_LIMIT, REMOTE_ADDR="")
    assert log_in(PASSWORD, REMOTE_ADDR="") == 429
    assert log_in(PASSWORD) == 302

"""Sessions that have expired are removed, some with each log-in."""

import datetime

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from birdwatcher.accounts import sessions


def test_a_log_in_removes_some_expired_sessions(
    database: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "TIDIED", 3)
    now, day = timezone.now(), datetime.timedelta(days=1)
    Session.objects.bulk_create(
        Session(session_key=f"{n:032}", session_data="", expire_date=now + (4 - n) * day)
        for n in range(10)
    )
    User.objects.create_user("keeper", password="a warden of the park")
    client = Client()
    for expired in (2, 0, 0):
        client.logout()
        given = {"username": "keeper", "password": "a warden of the park"}
        assert client.post("/login/", given).status_code == 302
        assert Session.objects.filter(expire_date__lt=now).count() == expired
    assert Session.objects.filter(session_key__lt=f"{4:032}", session_data="").count() == 4

"""The page of one's own tokens."""

import datetime
import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from birdwatcher.accounts import own_tokens, tokens
from birdwatcher.accounts.models import ApiToken
from tests.support.program import Caller, token_of

pytestmark = pytest.mark.usefixtures("database")

PAGE = "/tokens/"
FIELDS = {"name": "map", "scope": "read", "days": "30"}


def browser_of(name: str) -> Client:
    """Return a browser in which the user of that name is logged in."""
    client = Client()
    client.force_login(User.objects.get_or_create(username=name)[0])
    return client


def test_a_token_is_made_shown_once_and_revoked() -> None:
    token_of("viewer", name="of another")
    client, program = browser_of("viewer"), None
    page = client.post(PAGE, {**FIELDS, "name": "<map>"})
    (secret,) = re.findall(r"bw_[\w-]{43}", page.content.decode())
    assert "no-store" in page["Cache-Control"]
    program = Caller(secret)
    program.get("nodes")
    token = ApiToken.objects.get(name="<map>")
    ends = timezone.now() + datetime.timedelta(days=30)
    assert abs(token.expires_at - ends) < datetime.timedelta(minutes=1)
    assert (token.user.username, token.scope) == ("viewer", "read")
    listed = client.get(PAGE).content.decode()
    assert secret not in listed
    assert "&lt;map&gt;" in listed
    assert f"/tokens/{token.pk}/revoke/" in listed
    assert listed.count('<td class="nowrap">never</td>') == 1  # the other one was not used
    # Its last use is a time, and there is nothing to revoke any more.
    answer = client.post(f"{PAGE}{token.pk}/revoke/", follow=True).content.decode()
    assert "is revoked" in answer
    assert f"/tokens/{token.pk}/revoke/" not in answer
    program.get("nodes", status=401)


def test_those_of_others_are_neither_shown_nor_revoked() -> None:
    secret = token_of("admin", name="theirs")
    client = browser_of("viewer")
    assert "theirs" not in client.get(PAGE).content.decode()
    key = ApiToken.objects.get().pk
    assert client.post(f"{PAGE}{key}/revoke/").status_code == 404
    # The owner of a new one is whoever asks, whatever else is sent.
    other = User.objects.get(username="admin")
    client.post(PAGE, {**FIELDS, "user": other.pk, "hash": "x"})
    assert ApiToken.objects.get(name="map").user.username == "viewer"
    assert tokens.authenticate(secret)


def test_it_is_for_people_who_are_logged_in() -> None:
    secret = token_of("viewer")
    for asking in (Client(), Client(headers={"Authorization": f"Bearer {secret}"})):
        assert asking.get(PAGE)["Location"] == f"/login/?next={PAGE}"
        assert asking.post(PAGE, FIELDS).status_code == 302
        assert asking.post(f"{PAGE}1/revoke/").status_code == 302
    assert ApiToken.objects.count() == 1
    client = browser_of("nobody")  # in no group: they may revoke what they had
    assert client.get(PAGE).status_code == 200
    assert client.get(f"{PAGE}1/revoke/").status_code == 405
    assert f'href="{PAGE}"' in client.get(PAGE).content.decode()


@pytest.mark.parametrize(
    "wrong", [{"days": "0"}, {"days": "3651"}, {"days": ""}, {"name": "a\nb"}, {"scope": "all"}]
)
def test_what_is_wrong_is_said_beside_it(wrong: dict[str, str]) -> None:
    page = browser_of("viewer").post(PAGE, {**FIELDS, **wrong}).content.decode()
    assert 'class="field-error"' in page
    assert not ApiToken.objects.exists()


def test_their_number_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_tokens, "MOST", 2)
    monkeypatch.setattr(own_tokens, "PAST", 1)
    client = browser_of("viewer")
    for number in range(3):
        page = client.post(PAGE, {**FIELDS, "name": f"map {number}"}).content.decode()
    assert "revoke one" in page
    assert ApiToken.objects.count() == 2
    ApiToken.objects.update(revoked_at=timezone.now())
    page = client.post(PAGE, FIELDS).content.decode()
    assert (page.count("revoked</span>"), page.count("valid</span>")) == (1, 1)

"""A new password ends the tokens of its user, whoever sets it; nothing else does."""

from collections.abc import Callable, Iterator
from unittest import mock

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client, override_settings

from birdwatcher.accounts import tokens
from birdwatcher.accounts.models import ApiToken

pytestmark = pytest.mark.usefixtures("database")

OLD, NEW = "the heron stands still", "the bittern booms at night"
TWICE = {"password1": NEW, "password2": NEW}
PBKDF2 = "django.contrib.auth.hashers.PBKDF2PasswordHasher"
MD5 = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def user(database: object) -> Iterator[User]:
    """The owner of the tokens."""
    with override_settings(PASSWORD_HASHERS=MD5):
        yield User.objects.create_user("ranger", password=OLD)


def secret_of(user: User) -> str:
    """Make a token and return its secret."""
    token = ApiToken(user=user, name="script", scope="write")
    secret = tokens.renew(token)
    token.save()
    return secret


def by_its_owner(user: User) -> None:
    """Change the password on the page for that."""
    client = Client()
    client.force_login(user)
    fields = {"old_password": OLD, "new_password1": NEW, "new_password2": NEW}
    assert client.post("/password/", fields).status_code == 302


def in_the_admin(user: User, **fields: str) -> None:
    """Set the password of somebody else."""
    admin = User.objects.create_user("admin", is_staff=True)
    admin.groups.add(Group.objects.get(name="admin"))
    client = Client()
    client.force_login(admin)
    fields = {"usable_password": "true", **TWICE, **fields}
    assert client.post(f"/admin/auth/user/{user.pk}/password/", fields).status_code == 302


def on_the_command_line(user: User) -> None:
    """Set the password as who has a shell."""
    with mock.patch("getpass.getpass", return_value=NEW):
        call_command("changepassword", user.username)


def taken_away(user: User) -> None:
    """Let the user log in by no password at all."""
    in_the_admin(user, **{"usable_password": "false", "unset-password": "yes"})


@pytest.mark.parametrize("reset", [by_its_owner, in_the_admin, on_the_command_line, taken_away])
def test_a_new_password_ends_every_token_of_its_user(
    user: User, reset: Callable[[User], None]
) -> None:
    secrets, other = [secret_of(user), secret_of(user)], User.objects.create_user("warden")
    theirs = secret_of(other)
    assert all(map(tokens.authenticate, secrets))
    reset(user)
    assert [tokens.authenticate(secret) for secret in secrets] == [None, None]
    assert tokens.authenticate(theirs)
    # Made with the new password, a token is good.
    assert tokens.authenticate(secret_of(user))


def test_nothing_else_ends_them(user: User) -> None:
    secret = secret_of(user)
    user.first_name = "Rosa"
    user.save()
    # A log-in after an upgrade stores the same password anew, by another hasher.
    before = user.password
    with override_settings(PASSWORD_HASHERS=[PBKDF2, *MD5]):
        assert User.objects.get(pk=user.pk).check_password(OLD)
    user.refresh_from_db()
    assert user.password != before
    assert tokens.authenticate(secret)

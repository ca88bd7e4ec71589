"""A program that asks the API, within the test's own process."""

import json
from typing import Any

from django.contrib.auth.models import Group, User
from django.http import HttpResponse
from django.test import Client

from birdwatcher.accounts import tokens
from birdwatcher.accounts.models import ApiToken

UNDER = "/api/v1/"


def token_of(role: str, scope: str = "write", **fields: Any) -> str:
    """Return the secret of a new token, of the one user in the group of `role`."""
    user, made = User.objects.get_or_create(username=role)
    if made and (group := Group.objects.filter(name=role).first()):
        user.groups.add(group)
    token = ApiToken(user=user, scope=scope, **{"name": "test", **fields})
    secret = tokens.renew(token)
    token.save()
    return secret


class Caller:
    """Asks with a token, or without one."""

    def __init__(self, secret: str | None = None, **headers: str) -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = headers
        if secret is not None:
            self.headers["Authorization"] = f"Bearer {secret}"

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = "application/json",
        **headers: str,
    ) -> HttpResponse:
        """Return the answer; `body` is sent as JSON."""
        data = "" if body is None else json.dumps(body)
        address = path if path.startswith(("/", "http")) else UNDER + path
        sent = {**self.headers, **headers}
        return self.client.generic(method, address, data, content_type, headers=sent)

    def get(self, path: str, status: int = 200) -> Any:
        """Return what is answered, in JSON."""
        return self._of(self.ask("GET", path), status)

    def post(self, path: str, body: Any = None, status: int = 201) -> Any:
        """Return what is answered, in JSON."""
        return self._of(self.ask("POST", path, body), status)

    @staticmethod
    def _of(response: HttpResponse, status: int) -> Any:
        assert response.status_code == status, response.content
        return response.json()

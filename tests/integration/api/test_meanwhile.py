"""What is edited while others do something to it: nothing of theirs is undone."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone

from birdwatcher.accounts.models import ApiToken
from birdwatcher.api.nodes.serializers import NodeSerializer
from birdwatcher.nodes.models import Node
from birdwatcher.staff.tokens import ApiTokenAdmin
from tests.support.program import Caller, token_of

DARTMOOR = {"name": "Dartmoor", "ip_address": "10.0.3.2", "port": 9999}


def test_a_node(caller: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch) -> None:
    asking, meanwhile = caller(), iter((lambda it: it.update(enabled=False), QuerySet.delete))
    validate = NodeSerializer.validate

    def validate_late(self: NodeSerializer, attrs: dict[str, Any]) -> dict[str, Any]:
        next(meanwhile)(Node.objects.all())
        return validate(self, attrs)

    path = f"nodes/{asking.post('nodes', DARTMOOR)['id']}"
    monkeypatch.setattr(NodeSerializer, "validate", validate_late)
    told = asking.ask("PATCH", path, {"port": 9998}).json()
    assert (told["port"], told["enabled"]) == (9998, False)
    node = Node.objects.get()
    assert (node.port, node.enabled) == (9998, False)
    assert asking.ask("PUT", path, DARTMOOR).status_code == 404
    assert not Node.objects.exists()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_token_that_is_revoked(database: object, monkeypatch: pytest.MonkeyPatch) -> None:
    token_of("viewer")
    save = ApiTokenAdmin.save_model

    def save_late(self: ApiTokenAdmin, *args: Any) -> None:
        ApiToken.objects.update(revoked_at=timezone.now())
        save(self, *args)

    monkeypatch.setattr(ApiTokenAdmin, "save_model", save_late)
    client = Client()
    client.force_login(User.objects.create_superuser("keeper"))
    client.post(f"/admin/accounts/apitoken/{ApiToken.objects.get().pk}/change/", {"name": "atlas"})
    token = ApiToken.objects.get()
    assert token.name == "atlas"
    assert token.revoked_at

"""Prepares the database of the demonstration: tables, a superuser, three nodes."""

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.core.management import call_command

from birdwatcher.demo.environment import ADMIN_PASSWORD
from birdwatcher.nodes.models import Node

USERNAME = "admin"
HOST = "127.0.0.1"
NODE_NAMES = ("Dartmoor", "Exmoor", "Kielder (nobody listens)")


@dataclass(frozen=True, slots=True)
class Login:
    """How to log in to the web UI."""

    existed: bool
    """Whether the user was there before, from an earlier demonstration."""
    generated_password: str | None
    """None if the environment set the password."""


def prepare(node_ports: Sequence[int]) -> Login:
    """Migrate, and create the user `admin` and a node on each port, if they are missing."""
    call_command("migrate", verbosity=0, interactive=False)
    for name, port in zip(NODE_NAMES, node_ports, strict=True):
        # Keep a name that was changed in the web UI.
        Node.objects.get_or_create(ip_address=HOST, port=port, defaults={"name": name})
    return _make_admin()


def _make_admin() -> Login:
    given = os.environ.get(ADMIN_PASSWORD)
    # Only the hash is stored, so a valid password can only be shown if it is a new one.
    generated = None if given else secrets.token_urlsafe(12)
    users = get_user_model().objects
    user = users.filter(username=USERNAME).first()
    if user is None:
        users.create_superuser(USERNAME, password=given or generated)
        return Login(existed=False, generated_password=generated)
    user.set_password(given or generated)
    user.is_active = user.is_staff = user.is_superuser = True
    user.save()
    return Login(existed=True, generated_password=generated)

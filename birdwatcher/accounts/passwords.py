"""A new password ends its user's API tokens, whoever set it and wherever.

Somebody who fears that another knows their secrets sets a new password, or has one set: what was
made with the old one must not go on working. Sessions end by Django's own means.
"""

from typing import Any

from django.contrib.auth.models import User
from django.db.models.signals import pre_save
from django.dispatch import receiver

from birdwatcher.accounts.tokens import end_all
from birdwatcher.audit.models import Action
from birdwatcher.audit.record import record


# Before the password is saved: outside a transaction, a failure in between must not leave tokens.
@receiver(pre_save, sender=User, dispatch_uid="birdwatcher.accounts")
def _end_tokens(instance: Any, raw: bool, update_fields: frozenset[str] | None, **_: Any) -> None:
    """End the user's tokens if the password is about to become another."""
    if raw or instance.pk is None or not (update_fields is None or "password" in update_fields):
        return
    # Django leaves nothing in `_password` where it only stores the same password by newer means.
    is_set = instance._password is not None  # noqa: SLF001 Django's own sign, for its validators
    if is_set or not instance.has_usable_password():
        before = User.objects.filter(pk=instance.pk).values_list("password", flat=True).first()
        if before != instance.password:
            ended = end_all(instance)
            record(Action.CHANGE, [instance], f"A new password; API tokens ended: {ended}.")

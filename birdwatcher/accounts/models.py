"""API tokens, and the number of requests that each asker was granted."""

from __future__ import annotations

import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from birdwatcher.common.validators import STORABLE_MOMENT, no_control_characters


class Scope(models.TextChoices):
    """The most that a token allows; its user's permissions limit it further."""

    READ = "read", "read"
    WRITE = "write", "read and write"


VALID = "valid"


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Tokens."""

    def valid(self) -> ApiTokenQuerySet:
        """Return those that are accepted now."""
        unexpired = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        return self.filter(unexpired, revoked_at=None, user__is_active=True)


class ApiToken(models.Model):
    """A token: a program that sends its secret acts on behalf of `user`.

    The secret itself is not stored: `hash` is its SHA-256, which suffices for 256 random bits, and
    `prefix` its first characters, by which people tell tokens apart. While the token is in use,
    `last_used_at` is at most `NOTED_EVERY` old.
    """

    NOTED_EVERY = datetime.timedelta(minutes=1)

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(
        max_length=100, validators=[no_control_characters], help_text="What it is for."
    )
    scope = models.CharField(
        max_length=8,
        choices=Scope.choices,
        default=Scope.READ,
        help_text="The token never grants more than its user may do.",
    )
    prefix = models.CharField("begins with", max_length=16, editable=False)
    hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField("created", default=timezone.now, editable=False)
    expires_at = models.DateTimeField(
        "expires",
        null=True,
        blank=True,
        validators=STORABLE_MOMENT,
        help_text="If empty, the token ends after BIRDWATCHER_TOKEN_DAYS.",
    )
    last_used_at = models.DateTimeField("last used", null=True, editable=False)
    revoked_at = models.DateTimeField("revoked", null=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        db_table = "api_apitoken"
        ordering = ["-id"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def state(self) -> str:
        """Whether the token is valid, in words."""
        if self.revoked_at:
            return "revoked"
        if self.expires_at and self.expires_at <= timezone.now():
            return "expired"
        return VALID if self.user.is_active else "its user is not active"

    @property
    def may_write(self) -> bool:
        """Whether the token allows changes, if its user may make them."""
        return self.scope == Scope.WRITE


class Allowance(models.Model):
    """How many requests were granted to one asker in one minute: see `accounts.rate_limit`.

    `who` is a token, a user or an address; `minute` counts since 1970.
    """

    who = models.CharField(max_length=64)
    minute = models.BigIntegerField()
    granted = models.BigIntegerField()

    class Meta:
        db_table = "api_allowance"
        constraints = [models.UniqueConstraint(fields=["who", "minute"], name="api_allowance_key")]
        indexes = [models.Index(fields=["minute"], name="api_allowance_oldest")]

    def __str__(self) -> str:
        return f"{self.who}: {self.granted}"

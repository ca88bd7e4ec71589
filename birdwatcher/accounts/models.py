"""API tokens, and the number of requests that each asker was granted."""

from __future__ import annotations

import datetime

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from birdwatcher.common.validators import STORABLE_MOMENT, no_control_characters


class Scope(models.TextChoices):
    """The most that a token allows; its user's permissions limit it further."""

    READ = "read", "read"
    WRITE = "write", "read and write"
    INGEST = "ingest", "send for its device"


OF_PEOPLE = [(it.value, it.label) for it in (Scope.READ, Scope.WRITE)]


VALID = "valid"


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Tokens."""

    def valid(self) -> ApiTokenQuerySet:
        """Return those that are accepted now."""
        unexpired = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        return self.filter(unexpired, Q(user=None) | Q(user__is_active=True), revoked_at=None)


class ApiToken(models.Model):
    """A token: a program that sends its secret acts on behalf of `user`, or it is a device.

    A device's token has no user, so that it outlives whoever made it. It is for the one `device`,
    or for every device of a kind, and allows nothing but to send what such a device measures.

    The secret itself is not stored: `hash` is its SHA-256, which suffices for 256 random bits, and
    `prefix` its first characters, by which people tell tokens apart. While the token is in use,
    `last_used_at` is at most `NOTED_EVERY` old.
    """

    NOTED_EVERY = datetime.timedelta(minutes=1)

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="api_tokens",
        null=True,
        blank=True,
        help_text="On whose behalf it acts; empty for a device.",
    )
    device_kind = models.CharField(
        "kind of device",
        max_length=32,
        blank=True,
        default="",
        db_default="",
        validators=[RegexValidator("^[a-z][a-z-]*$", "A kind is a word such as counter.")],
        help_text="For a device: its kind, such as counter.",
    )
    device = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        validators=[no_control_characters],
        help_text="For one device: its serial number or name. If empty, all of the kind may send.",
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
        help_text="If empty, a user's ends after BIRDWATCHER_TOKEN_DAYS, a device's never.",
    )
    last_used_at = models.DateTimeField("last used", null=True, editable=False)
    revoked_at = models.DateTimeField("revoked", null=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        db_table = "api_apitoken"
        ordering = ["-id"]
        verbose_name = "API token"
        constraints = [
            models.CheckConstraint(
                condition=Q(user=None, scope="ingest") & ~Q(device_kind="")
                | Q(user__isnull=False, device_kind="", device="") & ~Q(scope="ingest"),
                name="accounts_token_owner",
                violation_error_message="A token is a user's, to read or write, or a device's, to "
                "send: choose a user, or a kind of device, and the scope.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def owner(self) -> str:
        """Its user or its device, in words: `ranger`, `counter 283`, `every counter`."""
        if self.user is not None:
            return self.user.get_username()
        return f"{self.device_kind} {self.device}" if self.device else f"every {self.device_kind}"

    @property
    def state(self) -> str:
        """Whether the token is valid, in words."""
        if self.revoked_at:
            return "revoked"
        if self.expires_at and self.expires_at <= timezone.now():
            return "expired"
        return VALID if self.user is None or self.user.is_active else "its user is not active"

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

"""A device has tokens of its own, which only send."""

import datetime

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_unseen_characters"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="device",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="For one device: its serial number or name. If empty, all of the kind may send.",
                max_length=64,
                validators=[
                    django.core.validators.RegexValidator(
                        "[\\x00-\\x1f\\x7f-\\x9f\\xad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb]",
                        "A name must not contain line breaks, tabs or other characters that cannot be seen.",
                        code="control_character",
                        inverse_match=True,
                    )
                ],
            ),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="device_kind",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="For a device: its kind, such as counter.",
                max_length=32,
                validators=[
                    django.core.validators.RegexValidator(
                        "^[a-z][a-z-]*$", "A kind is a word such as counter."
                    )
                ],
                verbose_name="kind of device",
            ),
        ),
        migrations.AlterField(
            model_name="apitoken",
            name="expires_at",
            field=models.DateTimeField(
                blank=True,
                help_text="If empty, a user's ends after BIRDWATCHER_TOKEN_DAYS, a device's never.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(
                        datetime.datetime(1, 1, 2, 0, 0, tzinfo=datetime.UTC),
                        "The earliest time that can be kept is 0001-01-02 UTC.",
                    ),
                    django.core.validators.MaxValueValidator(
                        datetime.datetime(9999, 12, 30, 0, 0, tzinfo=datetime.UTC),
                        "The latest time that can be kept is 9999-12-30 UTC.",
                    ),
                ],
                verbose_name="expires",
            ),
        ),
        migrations.AlterField(
            model_name="apitoken",
            name="scope",
            field=models.CharField(
                choices=[
                    ("read", "read"),
                    ("write", "read and write"),
                    ("ingest", "send for its device"),
                ],
                default="read",
                help_text="The token never grants more than its user may do.",
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="apitoken",
            name="user",
            field=models.ForeignKey(
                blank=True,
                help_text="On whose behalf it acts; empty for a device.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="api_tokens",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="apitoken",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("scope", "ingest"),
                        ("user", None),
                        models.Q(("device_kind", ""), _negated=True),
                    ),
                    models.Q(
                        ("device", ""),
                        ("device_kind", ""),
                        ("user__isnull", False),
                        models.Q(("scope", "ingest"), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="accounts_token_owner",
                violation_error_message="A token is a user's, to read or write, or a device's, to send: choose a user, or a kind of device, and the scope.",
            ),
        ),
    ]

"""Every token of a person ends: one without an end goes on for 90 days from now."""

import datetime

import django.core.validators
from django.db import migrations, models
from django.utils import timezone

GRACE = datetime.timedelta(days=90)


def give_ends(apps, schema_editor):
    """Give each token that is still good and has no end one after the grace."""
    tokens = apps.get_model("accounts", "ApiToken").objects.using(schema_editor.connection.alias)
    tokens.filter(expires_at=None, revoked_at=None).update(expires_at=timezone.now() + GRACE)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_tokens")]

    operations = [
        migrations.AlterField(
            model_name="apitoken",
            name="expires_at",
            field=models.DateTimeField(
                blank=True,
                help_text="If empty, the token ends after BIRDWATCHER_TOKEN_DAYS.",
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
        # An end that was given stays on the way back.
        migrations.RunPython(give_ends, migrations.RunPython.noop),
    ]

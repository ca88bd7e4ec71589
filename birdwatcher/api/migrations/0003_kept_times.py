"""A token expires at a time that every time zone can show."""

import datetime

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("api", "0002_role")]

    operations = [
        migrations.AlterField(
            model_name="apitoken",
            name="expires_at",
            field=models.DateTimeField(
                blank=True,
                help_text="If empty, the token is valid until it is revoked.",
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
    ]

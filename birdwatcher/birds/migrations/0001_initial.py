import datetime

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import birdwatcher.common.indexes


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("nodes", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Species",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        max_length=255,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]",
                                "A name must not contain line breaks, tabs or other control characters.",
                                code="control_character",
                                inverse_match=True,
                            )
                        ],
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "species",
                "ordering": ["name", "id"],
            },
        ),
        migrations.CreateModel(
            name="Bird",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "timestamp",
                    models.DateTimeField(
                        help_text="When the bird was heard.",
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
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="The bird's given name.",
                        max_length=255,
                        validators=[
                            django.core.validators.RegexValidator(
                                "[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]",
                                "A name must not contain line breaks, tabs or other control characters.",
                                code="control_character",
                                inverse_match=True,
                            )
                        ],
                    ),
                ),
                (
                    "node",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="birds",
                        to="nodes.node",
                    ),
                ),
                (
                    "species",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="birds",
                        to="birds.species",
                    ),
                ),
            ],
            options={
                "ordering": ["-timestamp", "-id"],
                "indexes": [
                    models.Index(fields=["-timestamp", "-id"], name="birds_bird_newest"),
                    models.Index(
                        fields=["node", "-timestamp", "-id"], name="birds_bird_node_newest"
                    ),
                    models.Index(
                        fields=["species", "-timestamp", "-id"], name="birds_bird_species_newest"
                    ),
                    birdwatcher.common.indexes.PrefixIndex(
                        fields=["name"], name="birds_bird_name_prefix"
                    ),
                ],
            },
        ),
    ]

"""The birds that were deleted lately, and the triggers that note them (see feed.birds.triggers)."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from birdwatcher.feed.birds import triggers


def create(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    triggers.create(schema_editor)


def drop(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    triggers.drop(schema_editor)


class Migration(migrations.Migration):
    initial = True

    dependencies = [("birds", "0002_doubtful"), ("rollups", "0002_triggers")]

    operations = [
        migrations.CreateModel(
            name="Deletion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("xact", models.BigIntegerField()),
                ("node_id", models.BigIntegerField(null=True)),
                ("species_id", models.BigIntegerField(null=True)),
                ("birds", models.JSONField()),
                ("at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["xact", "id"], name="live_deletion_order")],
            },
        ),
        migrations.RunPython(create, drop),
    ]

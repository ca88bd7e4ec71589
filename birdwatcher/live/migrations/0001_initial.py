"""The birds that were deleted lately, and the triggers that note them (see feed/birds/sql)."""

from django.db import migrations, models

from birdwatcher.common.sql import runs


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
        migrations.RunPython(
            runs("birdwatcher.feed.birds", "triggers", "create"),
            runs("birdwatcher.feed.birds", "triggers", "drop"),
        ),
    ]

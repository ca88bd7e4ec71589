import django.db.models.deletion
from django.db import migrations, models

from birdwatcher.common.sql import runs


class Migration(migrations.Migration):
    dependencies = [
        ("birds", "0003_unseen_characters"),
        ("nodes", "0008_new_species"),
    ]

    operations = [
        migrations.CreateModel(
            name="NewSpecies",
            fields=[
                (
                    "node",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="new_species",
                        serialize=False,
                        to="nodes.node",
                    ),
                ),
                ("day", models.DateField()),
                ("named", models.PositiveIntegerField(default=0)),
                ("events", models.BigIntegerField(default=0)),
                ("size", models.BigIntegerField(default=0)),
                ("since", models.DateTimeField(null=True)),
                ("refused", models.BigIntegerField(default=0)),
                (
                    "wish",
                    models.CharField(
                        blank=True,
                        choices=[("adopt", "adopt"), ("discard", "discard")],
                        max_length=8,
                    ),
                ),
                ("up_to", models.BigIntegerField(default=0)),
                ("wished_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name_plural": "new species",
            },
        ),
        migrations.CreateModel(
            name="SetAsideEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("species", models.CharField(max_length=255)),
                ("timestamp", models.DateTimeField()),
                ("name", models.CharField(max_length=255)),
                ("received_at", models.DateTimeField()),
                (
                    "node",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="set_aside",
                        to="nodes.node",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "indexes": [models.Index(fields=["node", "id"], name="birds_setaside_node")],
            },
        ),
        migrations.RunPython(
            runs("birdwatcher.birds", "wishes", "create"),
            runs("birdwatcher.birds", "wishes", "drop"),
        ),
    ]

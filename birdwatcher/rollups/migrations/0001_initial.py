import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("birds", "0002_doubtful"),
        ("nodes", "0004_observatory"),
    ]

    operations = [
        migrations.CreateModel(
            name="HourlyCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("birds", models.PositiveBigIntegerField()),
                ("hour", models.DateTimeField()),
                (
                    "node",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="nodes.node",
                    ),
                ),
                (
                    "species",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="birds.species",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["hour"], name="rollups_hourly_hour"),
                    models.Index(fields=["species", "hour"], name="rollups_hourly_species"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("node", "hour", "species"), name="rollups_hourly_key"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="HourlyOfNode",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("birds", models.PositiveBigIntegerField()),
                ("hour", models.DateTimeField()),
                (
                    "node",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="nodes.node",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["hour"], name="rollups_of_node_hour")],
                "constraints": [
                    models.UniqueConstraint(fields=("node", "hour"), name="rollups_of_node_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="HourlyOfSpecies",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("birds", models.PositiveBigIntegerField()),
                ("hour", models.DateTimeField()),
                (
                    "species",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="birds.species",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["hour"], name="rollups_of_species_hour")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("species", "hour"), name="rollups_of_species_key"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TotalCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("birds", models.PositiveBigIntegerField()),
                (
                    "node",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="nodes.node",
                    ),
                ),
                (
                    "species",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="birds.species",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["species"], name="rollups_total_species")],
                "constraints": [
                    models.UniqueConstraint(fields=("node", "species"), name="rollups_total_key")
                ],
            },
        ),
    ]

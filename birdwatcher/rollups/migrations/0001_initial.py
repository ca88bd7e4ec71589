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
                ("hour", models.DateTimeField()),
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
    ]

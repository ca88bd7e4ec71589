import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("nodes", "0004_observatory"),
        ("writer", "0002_daemon_summary"),
    ]

    operations = [
        migrations.AddField(
            model_name="daemon",
            name="commit_seconds",
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name="daemon",
            name="version",
            field=models.CharField(blank=True, db_default="", max_length=32),
        ),
        migrations.CreateModel(
            name="DaemonProcess",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("supervisor", "supervisor"),
                            ("writer", "writer"),
                            ("node", "node"),
                        ],
                        max_length=16,
                    ),
                ),
                ("pid", models.PositiveIntegerField(unique=True, verbose_name="process id")),
                ("started_at", models.DateTimeField()),
                ("resident_bytes", models.PositiveBigIntegerField()),
                ("cpu_percent", models.FloatField()),
                ("seen_at", models.DateTimeField()),
                (
                    "node",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="processes",
                        to="nodes.node",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "daemon processes",
            },
        ),
    ]

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("nodes", "0002_notify"),
    ]

    operations = [
        migrations.AddField(
            model_name="nodestatus",
            name="error",
            field=models.CharField(blank=True, db_default="", max_length=255),
        ),
        migrations.CreateModel(
            name="RejectedPacket",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="time")),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("not UTF-8", "not UTF-8"),
                            ("not JSON", "not JSON"),
                            ("nested too deep", "nested too deep"),
                            ("a number too long", "a number too long"),
                            ("not a JSON object", "not a JSON object"),
                            ("a field is missing", "a field is missing"),
                            ("a field is not a string", "a field is not a string"),
                            ("an empty name or species", "an empty name or species"),
                            ("a name or species too long", "a name or species too long"),
                            (
                                "a NUL or lone surrogate in a text",
                                "a NUL or lone surrogate in a text",
                            ),
                            ("not a timestamp", "not a timestamp"),
                            ("a timestamp out of range", "a timestamp out of range"),
                            ("a length of zero", "a length of zero"),
                            ("a packet too large", "a packet too large"),
                            (
                                "cut off by the end of the connection",
                                "cut off by the end of the connection",
                            ),
                            ("stalled half-way", "stalled half-way"),
                            ("killed its process twice", "killed its process twice"),
                            ("refused by the database", "refused by the database"),
                        ],
                        max_length=64,
                    ),
                ),
                ("size", models.BigIntegerField()),
                ("raw", models.BinaryField(max_length=256)),
                (
                    "node",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rejected_packets",
                        to="nodes.node",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["node", "-id"], name="nodes_packet_node_newest"),
                    models.Index(fields=["reason", "-id"], name="nodes_packet_reason_newest"),
                    models.Index(fields=["at"], name="nodes_packet_oldest"),
                ],
            },
        ),
        migrations.CreateModel(
            name="StatusChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="time")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("starting", "starting"),
                            ("connecting", "connecting"),
                            ("connected", "connected"),
                            ("backing off", "backing off"),
                            ("stopped", "stopped"),
                            ("crashed", "crashed"),
                        ],
                        max_length=32,
                    ),
                ),
                ("pid", models.PositiveIntegerField(null=True, verbose_name="process id")),
                ("detail", models.CharField(blank=True, max_length=255)),
                (
                    "node",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="status_changes",
                        to="nodes.node",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["node", "-id"], name="nodes_change_node_newest"),
                    models.Index(fields=["state", "-id"], name="nodes_change_state_newest"),
                    models.Index(fields=["at"], name="nodes_change_oldest"),
                ],
            },
        ),
    ]

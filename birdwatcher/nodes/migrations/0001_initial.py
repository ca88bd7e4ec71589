import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import birdwatcher.common.validators


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Node",
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
                        help_text="A name for people, such as the place of the node.",
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
                    "ip_address",
                    models.GenericIPAddressField(
                        help_text="IPv4 such as 10.0.3.2, or IPv6 such as 2001:db8::7.",
                        unpack_ipv4=True,
                        validators=[birdwatcher.common.validators.host_address],
                        verbose_name="IP address",
                    ),
                ),
                (
                    "port",
                    models.PositiveIntegerField(
                        help_text="TCP port on which the node sends its events, 1 to 65535.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(65535),
                        ],
                    ),
                ),
                (
                    "enabled",
                    models.BooleanField(
                        default=True,
                        help_text="Connect to this node. The birds of a disabled node are kept.",
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
            },
        ),
        migrations.CreateModel(
            name="NodeStatus",
            fields=[
                (
                    "node",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="status",
                        serialize=False,
                        to="nodes.node",
                    ),
                ),
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
                ("since", models.DateTimeField()),
                ("pid", models.PositiveIntegerField(null=True)),
                ("last_event_at", models.DateTimeField(null=True)),
                ("events", models.BigIntegerField(default=0)),
                ("rejected", models.BigIntegerField(default=0)),
                ("reconnects", models.BigIntegerField(default=0)),
                ("last_error", models.CharField(blank=True, max_length=255)),
                ("next_try", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name_plural": "node statuses",
            },
        ),
        migrations.AddConstraint(
            model_name="node",
            constraint=models.UniqueConstraint(
                fields=("ip_address", "port"),
                name="nodes_node_address",
                violation_error_message="There is a node with this IP address and port already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="node",
            constraint=models.CheckConstraint(
                condition=models.Q(("port__gte", 1), ("port__lte", 65535)),
                name="nodes_node_port",
                violation_error_message="The port must be from 1 to 65535.",
            ),
        ),
    ]

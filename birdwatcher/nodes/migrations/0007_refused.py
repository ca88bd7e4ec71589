"""A node may be refused: at an address to which the daemon does not connect."""

from django.db import migrations, models

import birdwatcher.common.validators


class Migration(migrations.Migration):
    dependencies = [
        ("nodes", "0006_rate_limit"),
    ]

    operations = [
        migrations.AlterField(
            model_name="node",
            name="ip_address",
            field=models.GenericIPAddressField(
                help_text="IPv4 such as 10.0.3.2, or IPv6 such as 2001:db8::7.",
                unpack_ipv4=True,
                validators=[
                    birdwatcher.common.validators.host_address,
                    birdwatcher.common.validators.allowed_network,
                ],
                verbose_name="IP address",
            ),
        ),
        migrations.AlterField(
            model_name="nodestatus",
            name="state",
            field=models.CharField(
                choices=[
                    ("starting", "starting"),
                    ("connecting", "connecting"),
                    ("connected", "connected"),
                    ("limited", "limited"),
                    ("backing off", "backing off"),
                    ("refused", "refused"),
                    ("stopped", "stopped"),
                    ("crashed", "crashed"),
                ],
                max_length=32,
            ),
        ),
        migrations.AlterField(
            model_name="statuschange",
            name="state",
            field=models.CharField(
                choices=[
                    ("starting", "starting"),
                    ("connecting", "connecting"),
                    ("connected", "connected"),
                    ("limited", "limited"),
                    ("backing off", "backing off"),
                    ("refused", "refused"),
                    ("stopped", "stopped"),
                    ("crashed", "crashed"),
                ],
                max_length=32,
            ),
        ),
    ]

"""PostgreSQL announces every change of the node table, so that the daemon need not ask for it."""

from django.db import migrations

from birdwatcher.common.sql import runs


class Migration(migrations.Migration):
    dependencies = [("nodes", "0001_initial")]

    operations = [
        migrations.RunPython(
            runs("birdwatcher.nodes", "notify", "create"),
            runs("birdwatcher.nodes", "notify", "drop"),
        )
    ]

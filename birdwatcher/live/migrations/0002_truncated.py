"""TRUNCATE notes up to which key it was all birds (see feed/birds/sql)."""

from django.db import migrations

from birdwatcher.common.sql import runs


class Migration(migrations.Migration):
    dependencies = [("live", "0001_initial"), ("birds", "0001_initial")]

    # Going back it stays: what was before did not look at the birds of this row.
    operations = [
        migrations.RunPython(
            runs("birdwatcher.feed.birds", "triggers", "note the highest"),
            migrations.RunPython.noop,
        )
    ]

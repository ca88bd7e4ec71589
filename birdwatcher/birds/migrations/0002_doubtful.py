"""Birds whose node's clock is doubtful. Of those that are there already nobody knows: they pass."""

from django.db import migrations, models

import birdwatcher.common.indexes


class Migration(migrations.Migration):
    dependencies = [("birds", "0001_initial")]

    # The old indexes go first, so that SQLite, which copies the table to add a column, does not
    # build them once more.
    operations = [
        migrations.RemoveIndex(model_name="bird", name="birds_bird_newest"),
        migrations.RemoveIndex(model_name="bird", name="birds_bird_node_newest"),
        migrations.RemoveIndex(model_name="bird", name="birds_bird_species_newest"),
        migrations.RemoveIndex(model_name="bird", name="birds_bird_name_prefix"),
        migrations.AddField(
            model_name="bird",
            name="doubtful",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="On arrival, the time was more than 5 minutes ahead or 24 hours old: the node's clock may be wrong. Such birds do not count as the newest.",
                verbose_name="doubtful clock",
            ),
        ),
        migrations.AddIndex(
            model_name="bird",
            index=models.Index(fields=["doubtful", "-timestamp", "-id"], name="birds_bird_newest"),
        ),
        migrations.AddIndex(
            model_name="bird",
            index=models.Index(
                fields=["node", "doubtful", "-timestamp", "-id"], name="birds_bird_node_newest"
            ),
        ),
        migrations.AddIndex(
            model_name="bird",
            index=models.Index(
                fields=["species", "doubtful", "-timestamp", "-id"],
                name="birds_bird_species_newest",
            ),
        ),
        migrations.AddIndex(
            model_name="bird",
            index=birdwatcher.common.indexes.PrefixIndex(
                fields=["doubtful", "name"], name="birds_bird_name_prefix"
            ),
        ),
    ]

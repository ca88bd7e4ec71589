"""TRUNCATE notes up to which key it was all birds (see feed.birds.triggers)."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from birdwatcher.feed.birds import triggers


def note_the_highest(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    triggers.note_the_highest(schema_editor)


class Migration(migrations.Migration):
    dependencies = [("live", "0001_initial"), ("birds", "0001_initial")]

    # Going back it stays: what was before did not look at the birds of this row.
    operations = [migrations.RunPython(note_the_highest, migrations.RunPython.noop)]

"""The counts of the birds that are there, and the triggers that keep them (see rollups.triggers)."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from birdwatcher.rollups import triggers


def create(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    # First of all, because it locks the table of birds until all is done.
    triggers.create(schema_editor)
    triggers.fill(schema_editor)


def drop(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    triggers.drop(schema_editor)


class Migration(migrations.Migration):
    dependencies = [("rollups", "0001_initial")]

    operations = [migrations.RunPython(create, drop)]

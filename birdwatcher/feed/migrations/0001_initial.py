"""The deletions come from the WebSockets' app."""

from django.db import migrations

from birdwatcher.common.migrations import MoveModel


class Migration(migrations.Migration):
    initial = True
    dependencies = [
        ("contenttypes", "0002_remove_content_type_name"),
        ("live", "0002_truncated"),
    ]
    operations = [MoveModel("Deletion", "live")]

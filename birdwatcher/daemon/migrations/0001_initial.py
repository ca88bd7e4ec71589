"""The models of the running daemon come from the writer."""

from django.db import migrations

from birdwatcher.common.migrations import MoveModel


class Migration(migrations.Migration):
    initial = True
    dependencies = [
        ("contenttypes", "0002_remove_content_type_name"),
        ("writer", "0003_processes"),
    ]
    operations = [MoveModel("Daemon", "writer"), MoveModel("DaemonProcess", "writer")]

"""Tokens and allowances come from the API."""

from django.db import migrations

from birdwatcher.common.migrations import MoveModel


class Migration(migrations.Migration):
    dependencies = [
        ("contenttypes", "0002_remove_content_type_name"),
        ("accounts", "0001_roles"),
        ("api", "0003_kept_times"),
    ]
    operations = [MoveModel("ApiToken", "api"), MoveModel("Allowance", "api")]

"""The role admin may make and revoke tokens."""

from django.db import migrations

ACTIONS = ("add", "change", "delete", "view")


def allow(apps, schema_editor):
    """Give the group `admin` the permissions, which Django itself would make only later."""
    database = schema_editor.connection.alias
    types = apps.get_model("contenttypes", "ContentType").objects.using(database)
    permissions = apps.get_model("auth", "Permission").objects.using(database)
    content_type, _ = types.get_or_create(app_label="api", model="apitoken")
    made = [
        permissions.get_or_create(
            content_type=content_type,
            codename=f"{action}_apitoken",
            defaults={"name": f"Can {action} API token"},
        )[0]
        for action in ACTIONS
    ]
    for group in apps.get_model("auth", "Group").objects.using(database).filter(name="admin"):
        group.permissions.add(*made)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_roles"), ("api", "0001_initial")]
    # Nobody's rights are taken away on the way back.
    operations = [migrations.RunPython(allow, migrations.RunPython.noop)]

"""Take over what the admin's log has, let admins see it, and let nobody change it."""

from django.db import migrations

from birdwatcher.common.sql import runs

ROOM = "birdwatcher.audit"
# The order of the keys is that of the entries.
TAKE_OVER = """
    INSERT INTO audit_entry
        (at, who, "user", address, token, action, kind, "key", what, detail)
    SELECT log.action_time, users.username, users.id, '', '',
        CASE log.action_flag WHEN 1 THEN 'add' WHEN 2 THEN 'change' ELSE 'delete' END,
        COALESCE(types.app_label || '.' || types.model, ''), COALESCE(log.object_id, ''),
        log.object_repr, log.change_message
    FROM django_admin_log log
    JOIN auth_user users ON users.id = log.user_id
    LEFT JOIN django_content_type types ON types.id = log.content_type_id
    WHERE LENGTH(COALESCE(log.object_id, '')) <= 64
    ORDER BY log.id
"""


def allow(apps, schema_editor):
    """Give the group `admin` the permission, which Django itself would make only later."""
    database = schema_editor.connection.alias
    types = apps.get_model("contenttypes", "ContentType").objects.using(database)
    content_type, _ = types.get_or_create(app_label="audit", model="entry")
    permissions = apps.get_model("auth", "Permission").objects.using(database)
    view, _ = permissions.get_or_create(
        content_type=content_type, codename="view_entry", defaults={"name": "Can view entry"}
    )
    for group in apps.get_model("auth", "Group").objects.using(database).filter(name="admin"):
        group.permissions.add(view)


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0001_initial"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("contenttypes", "0002_remove_content_type_name"),
        # After it, no entry is about a model that has moved.
        ("accounts", "0002_tokens"),
    ]
    operations = [
        migrations.RunSQL(TAKE_OVER, migrations.RunSQL.noop),
        # Nobody's rights are taken away on the way back.
        migrations.RunPython(allow, migrations.RunPython.noop),
        migrations.RunPython(
            runs(ROOM, "append_only", "create"), runs(ROOM, "append_only", "drop")
        ),
    ]

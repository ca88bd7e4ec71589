"""What people did to one object, the newest first: an index that Django's log of the admin lacks."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("admin", "0003_logentry_add_action_flag_choices")]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX pages_log_of_object ON django_admin_log (content_type_id, object_id, id)",
            "DROP INDEX pages_log_of_object",
        )
    ]

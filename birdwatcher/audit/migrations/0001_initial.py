"""The entries of the audit log."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Entry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="time"),
                ),
                ("who", models.CharField(blank=True, max_length=255)),
                ("user", models.BigIntegerField(null=True)),
                ("address", models.CharField(blank=True, max_length=64)),
                ("token", models.CharField(blank=True, max_length=128)),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("add", "Add"),
                            ("change", "Change"),
                            ("delete", "Delete"),
                            ("log in", "Log In"),
                            ("log out", "Log Out"),
                            ("failed log-in", "Failed"),
                        ],
                        max_length=16,
                    ),
                ),
                ("kind", models.CharField(blank=True, max_length=100)),
                ("key", models.CharField(blank=True, max_length=64)),
                ("what", models.CharField(blank=True, max_length=255)),
                ("detail", models.TextField(blank=True)),
            ],
            options={
                "verbose_name_plural": "entries",
                "ordering": ["-id"],
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["at"], name="audit_entry_oldest"),
                    models.Index(fields=["who", "-id"], name="audit_entry_who"),
                    models.Index(fields=["action", "-id"], name="audit_entry_action"),
                    models.Index(fields=["kind", "-id"], name="audit_entry_kind"),
                    models.Index(fields=["kind", "key", "-id"], name="audit_entry_object"),
                ],
            },
        ),
    ]

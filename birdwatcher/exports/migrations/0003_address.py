from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("exports", "0002_kind"),
    ]

    operations = [
        migrations.AddField(
            model_name="export",
            name="address",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddIndex(
            model_name="export",
            index=models.Index(fields=["address"], name="exports_export_address"),
        ),
    ]

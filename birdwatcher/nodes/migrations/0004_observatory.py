from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("nodes", "0003_history"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="node",
            options={
                "ordering": ["name", "id"],
                "permissions": [("operate_node", "Can enable, disable and restart nodes")],
            },
        ),
        migrations.AddField(
            model_name="node",
            name="restarts",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="nodestatus",
            name="recent",
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AddField(
            model_name="nodestatus",
            name="recent_minute",
            field=models.DateTimeField(null=True),
        ),
    ]

"""The roles, as groups: viewer, operator and admin."""

from django.db import migrations

ALL = ("view", "add", "change", "delete")
VIEWER = {
    ("nodes", "node"): ("view",),
    ("nodes", "nodestatus"): ("view",),
    ("nodes", "statuschange"): ("view",),
    ("nodes", "rejectedpacket"): ("view",),
    ("birds", "bird"): ("view",),
    ("birds", "species"): ("view",),
}
OPERATOR = VIEWER | {("nodes", "node"): ("view", "operate")}
ADMIN = OPERATOR | {
    ("nodes", "node"): (*ALL, "operate"),
    ("birds", "bird"): ALL,
    ("birds", "species"): ALL,
    ("auth", "user"): ALL,
    ("auth", "group"): ALL,
}
ROLES = {"viewer": VIEWER, "operator": OPERATOR, "admin": ADMIN}
OPERATE = "Can enable, disable and restart nodes"


def make_roles(apps, schema_editor):
    """Make each group, or give one that is there what its role may do."""
    database = schema_editor.connection.alias
    groups = apps.get_model("auth", "Group").objects.using(database)
    for name, allowed in ROLES.items():
        group, _ = groups.get_or_create(name=name)
        group.permissions.add(
            *(
                permission(apps, database, *model, action)
                for model, actions in allowed.items()
                for action in actions
            )
        )


def permission(apps, database, app, model, action):
    """Return the permission, which Django itself would make only after the last migration."""
    types = apps.get_model("contenttypes", "ContentType").objects.using(database)
    content_type, _ = types.get_or_create(app_label=app, model=model)
    name = OPERATE if action == "operate" else f"Can {action} {verbose(apps, app, model)}"
    made, _ = (
        apps.get_model("auth", "Permission")
        .objects.using(database)
        .get_or_create(
            content_type=content_type, codename=f"{action}_{model}", defaults={"name": name}
        )
    )
    return made


def verbose(apps, app, model):
    """Return the name that people read."""
    return apps.get_model(app, model)._meta.verbose_name  # noqa: SLF001 Django documents it


class Migration(migrations.Migration):
    # Nobody's rights are taken away on the way back.
    operations = [migrations.RunPython(make_roles, migrations.RunPython.noop)]
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("nodes", "0003_history"),
        ("birds", "0002_doubtful"),
    ]

"""PostgreSQL announces every change of the node table, so that the daemon need not ask for it."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

# A trigger for each statement, not each row: enabling a thousand nodes is one change. It fires for
# every way of writing, the admin's bulk actions and psql included.
CREATE = """
CREATE FUNCTION birdwatcher_nodes_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('birdwatcher_nodes', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER birdwatcher_nodes_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON nodes_node
    FOR EACH STATEMENT EXECUTE FUNCTION birdwatcher_nodes_changed();
"""

DROP = """
DROP TRIGGER birdwatcher_nodes_changed ON nodes_node;
DROP FUNCTION birdwatcher_nodes_changed();
"""


def create_trigger(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(CREATE, params=None)


def drop_trigger(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP, params=None)


class Migration(migrations.Migration):
    dependencies = [("nodes", "0001_initial")]

    operations = [migrations.RunPython(create_trigger, drop_trigger)]

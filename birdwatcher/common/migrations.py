"""Move a model from one app to another without touching its table.

The table keeps its name, so that the previous release goes on working while the database is
migrated, and a large table is not copied. Only Django's records of the model change: its state in
the migrations, and its content type, to which permissions and the admin's log refer by key.
"""

from __future__ import annotations

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


class MoveModel(Operation):
    """Move a model into the app of this migration; its new `Meta` names the old table.

    The migration must depend on the last one of the old app, and on contenttypes.
    """

    def __init__(self, name: str, old_app: str) -> None:
        """`name`: of the model's class; `old_app`: the label of the app that it leaves."""
        self.name = name
        self.old_app = old_app

    @property
    def _key(self) -> str:
        return self.name.lower()

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Give the model its new app and the name of its old table."""
        model = state.models[self.old_app, self._key].clone()
        state.remove_model(self.old_app, self._key)
        model.app_label = app_label
        model.options.setdefault("db_table", f"{self.old_app}_{self._key}")
        state.add_model(model)

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Hand the content type over. Raises django.db.Error."""
        self._hand_over(schema_editor, from_state, self.old_app, app_label)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Hand the content type back. Raises django.db.Error."""
        self._hand_over(schema_editor, from_state, app_label, self.old_app)

    def _hand_over(
        self, schema_editor: BaseDatabaseSchemaEditor, state: ProjectState, old: str, new: str
    ) -> None:
        types = state.apps.get_model("contenttypes", "ContentType").objects
        of_model = types.using(schema_editor.connection.alias).filter(model=self._key)
        of_model.filter(app_label=old).update(app_label=new)

    def describe(self) -> str:
        """Return one line for `migrate --plan`."""
        return f"Move model {self.name} from app {self.old_app}"

"""Indexes that Django cannot express for both databases at once."""

from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Columns, Statement, Table
from django.db.models.expressions import OrderBy

from birdwatcher.common.database import engine_of


class PrefixIndex(models.Index):
    """An index for `istartswith` on its last column, a text, and equality on those before it."""

    def create_sql(
        self,
        model: type[models.Model],
        schema_editor: BaseDatabaseSchemaEditor,
        using: str = "",
        **kwargs: Any,
    ) -> Statement:
        """Return the statement that creates the index on the schema editor's database."""
        options = model._meta  # noqa: SLF001 - public, in spite of its underscore
        table, quote = options.db_table, schema_editor.quote_name
        by_name = {field.name: str(field.column) for field in options.fields}
        *before, text = [by_name[name] for name in self.fields]
        last = engine_of(schema_editor.connection).prefix_index
        columns = f"%(before)s, {last}" if before else last
        return Statement(
            f"CREATE INDEX %(name)s ON %(table)s ({columns})",
            name=quote(self.name),
            table=Table(table, quote),
            before=Columns(table, before, quote),
            text=Columns(table, [text], quote),
        )


class PrefixOrder(OrderBy):
    """The order in which a `PrefixIndex` has its last column.

    For a query with `istartswith` and a LIMIT: otherwise a database that expects many matches
    chooses another index, and reads all rows if it is wrong.
    """

    def __init__(self, field: str) -> None:
        super().__init__(models.F(field))

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> Any:  # type: ignore[override]
        """Return the order for the database of `connection`."""
        template = engine_of(connection).prefix_order
        return super().as_sql(compiler, connection, template=template)

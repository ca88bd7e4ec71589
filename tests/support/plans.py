"""How a database would answer the queries that were captured."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.db import connection


@dataclass
class Plan:
    """One query's plan: which tables it reads whole, and whether it sorts."""

    sql: str
    text: str
    read_whole: set[str] = field(init=False)
    sorts: bool = field(init=False)

    def __post_init__(self) -> None:
        # SQLite writes "SCAN name" of a table that it reads from one end to the other, and adds
        # "USING INDEX" where it does so in an index's order.
        scans = re.findall(r"Seq Scan on (\w+)|SCAN (\w+)(?! USING)\b(?!\w)", self.text)
        self.read_whole = {a or b for a, b in scans if (a or b) != "CONSTANT"}
        self.sorts = bool(re.search(r"\bSort\b|TEMP B-TREE", self.text))

    @property
    def by_keys(self) -> bool:
        """Whether it looks up rows by keys that it was given."""
        return '"id" IN (' in self.sql


def plan_of(sql: str, *, how: str = "") -> str:
    """Return how the database is going to answer a query; `how`: options for PostgreSQL."""
    explain = f"EXPLAIN {how} " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
    with connection.cursor() as cursor:
        cursor.execute(explain + sql.replace("%", "%%"), [])
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def plans(queries: Iterable[dict[str, str]]) -> Iterator[Plan]:
    """Yield the plan of each SELECT."""
    for query in queries:
        sql = query["sql"]
        if sql.startswith("SELECT"):
            yield Plan(sql, plan_of(sql))


def analyze() -> None:
    """Have PostgreSQL look at its tables, which it plans by."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

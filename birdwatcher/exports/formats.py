"""What a file of birds looks like: CSV (RFC 4180) or JSON lines."""

from __future__ import annotations

import csv
import datetime
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from birdwatcher.birds.models import Bird

COLUMNS = (
    "id",
    "timestamp",  # in the zone of whoever asked
    "timestamp_utc",
    "name",
    "species",
    "species_id",
    "node",
    "node_id",
    "doubtful",
)
FIELDS = ("name", "species__name", "species_id", "node__name", "node_id", "doubtful")

# With one of these a spreadsheet takes a cell for a formula, the wide ones too.
FORMULA = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")

Record = tuple[Any, ...]  # in the order of `COLUMNS`


def records(keys: Iterable[int], zone: datetime.tzinfo) -> list[Record]:
    """Return what is told of the birds with these keys, newest first."""
    birds = Bird.objects.filter(pk__in=keys).order_by("-timestamp", "-pk")
    rows = birds.values_list("pk", "timestamp", *FIELDS)
    return [
        (key, at.astimezone(zone).isoformat(), at.astimezone(datetime.UTC).isoformat(), *others)
        for key, at, *others in rows
    ]


def csv_head() -> str:
    """Return the first line."""
    return ",".join(COLUMNS) + "\r\n"


def csv_lines(records: Iterable[Record]) -> str:
    """Return the records as lines. A name that a spreadsheet would reckon gets an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for it in records:
        key, local, utc, name, species, species_key, node, node_key, doubtful = it
        texts = (harmless(name), harmless(species), species_key, harmless(node), node_key)
        writer.writerow((key, local, utc, *texts, "true" if doubtful else "false"))
    return text.getvalue()


def harmless(text: str) -> str:
    """Return `text` so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def json_lines(records: Iterable[Record]) -> str:
    """Return the records as JSON objects, one a line."""
    dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    return "".join(dump(dict(zip(COLUMNS, it, strict=True))) + "\n" for it in records)


@dataclass(frozen=True)
class Format:
    """A kind of file."""

    suffix: str
    content_type: str
    head: Callable[[], str]
    lines: Callable[[Iterable[Record]], str]


FORMATS = {
    "csv": Format("csv", "text/csv; charset=utf-8; header=present", csv_head, csv_lines),
    "jsonl": Format("jsonl", "application/jsonl; charset=utf-8", lambda: "", json_lines),
}

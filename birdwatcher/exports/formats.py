"""What a file looks like: CSV (RFC 4180) or JSON lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

# With one of these a spreadsheet takes a cell for a formula, the wide ones too.
FORMULA = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")

# What JSON can tell, in the order of the file's columns. An object within it has a column for each
# of its fields.
Record = dict[str, Any]


def csv_head(columns: Sequence[str]) -> str:
    """Return the first line."""
    return ",".join(columns) + "\r\n"


def csv_lines(records: Iterable[Record]) -> str:
    """Return the records as lines. A text that a spreadsheet would reckon gets an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows(_cells(record.values()) for record in records)
    return text.getvalue()


def _cells(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, str):
            yield harmless(value)
        elif isinstance(value, bool):
            yield "true" if value else "false"
        elif isinstance(value, dict):
            yield from _cells(value.values())
        else:
            yield value  # None is an empty cell


def harmless(text: str) -> str:
    """Return `text` so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def json_lines(records: Iterable[Record]) -> str:
    """Return the records as JSON objects, one a line."""
    dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    return "".join(dump(it) + "\n" for it in records)


@dataclass(frozen=True)
class Format:
    """A kind of file."""

    suffix: str
    content_type: str
    head: Callable[[Sequence[str]], str]
    lines: Callable[[Iterable[Record]], str]


FORMATS = {
    "csv": Format("csv", "text/csv; charset=utf-8; header=present", csv_head, csv_lines),
    "jsonl": Format("jsonl", "application/jsonl; charset=utf-8", lambda _: "", json_lines),
}

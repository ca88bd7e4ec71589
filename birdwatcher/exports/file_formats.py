"""The formats of files: CSV (RFC 4180) and JSON lines."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nodeproc.text import printable, printable_json

# A spreadsheet takes a cell that begins with one of these, also full-width, for a formula, whatever
# blank there is before it.
FORMULA = re.compile(r"[\s\u200c\u200d]*[=+\-@\uff1d\uff0b\uff0d\uff20]")

# Values of JSON, in the order of the columns. A nested object has a column for each of its fields.
Record = dict[str, Any]


def csv_head(columns: Sequence[str]) -> str:
    """Return the first line."""
    return ",".join(columns) + "\r\n"


def csv_lines(records: Iterable[Record]) -> str:
    """Return the records as lines, with texts made harmless for spreadsheets."""
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
    """Return `text` with unprintable characters escaped, so that each record is one line.

    An apostrophe goes in front if a spreadsheet would take it for a formula.
    """
    text = printable(text)
    return f"'{text}" if FORMULA.match(text) else text


def json_lines(records: Iterable[Record]) -> str:
    """Return the records as JSON objects, one a line, with unprintable characters escaped."""
    dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    return "".join(printable_json(dump(it)) + "\n" for it in records)


@dataclass(frozen=True)
class Format:
    """A format of files."""

    suffix: str
    content_type: str
    head: Callable[[Sequence[str]], str]
    lines: Callable[[Iterable[Record]], str]

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return self.content_type.partition(";")[0]


FORMATS = {
    "csv": Format("csv", "text/csv; charset=utf-8; header=present", csv_head, csv_lines),
    "jsonl": Format("jsonl", "application/jsonl; charset=utf-8", lambda _: "", json_lines),
}

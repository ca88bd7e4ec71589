"""Files of birds: what spreadsheets and parsers make of odd names."""

import csv
import io
import json

import pytest

from birdwatcher.exports.birds import COLUMNS
from birdwatcher.exports.file_formats import csv_head, csv_lines, harmless, json_lines

AT = "2026-05-01T08:46:00.250000+02:00"
UTC = "2026-05-01T06:46:00.250000+00:00"


def record(name: str) -> dict[str, object]:
    """Return what is told of one bird."""
    values = (7, AT, UTC, name, "Wren", 1, "Dartmoor", 2, True)
    return dict(zip(COLUMNS, values, strict=True))


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\xa0=1", "\u3000=1", "\u200d=1", "\uff1d1"]
)
def test_no_name_is_a_formula(name: str) -> None:
    (row,) = csv.reader(io.StringIO(csv_lines([record(name)]), newline=""))
    assert row[3] == f"'{name}"


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("two\nlines", r"two\nlines"),
        ("\n=1", r"\n=1"),
        ("\t=1\r", r"\t=1\r"),
        ("=\n1", r"'=\n1"),
        ("\ufeff=1", r"\ufeff=1"),
        ("\x1b[2J\x9b\u202e", r"\x1b[2J\x9b\u202e"),
    ],
)
def test_a_cell_has_no_characters_that_cannot_be_printed(name: str, cell: str) -> None:
    assert harmless(name) == cell


@pytest.mark.parametrize("name", ["Alice", "O'Malley", "a=b", "", " x", "Zoë", "さくら"])
def test_other_names_stay_as_they_are(name: str) -> None:
    assert harmless(name) == name


def test_csv_is_quoted_as_the_standard_has_it() -> None:
    assert csv_head(COLUMNS).encode() == ",".join(COLUMNS).encode() + b"\r\n"
    text = csv_lines([record('a "b", c')])
    assert text == (f'7,{AT},{UTC},"a ""b"", c",Wren,1,Dartmoor,2,true\r\n')


def test_json_has_one_object_a_line() -> None:
    text = json_lines([record("=1\n2"), record("さくら")])
    lines = text.splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["=1\n2", "さくら"]
    assert json.loads(lines[0]) == record("=1\n2")
    assert "さくら" in text


def test_an_object_within_has_its_own_cells() -> None:
    record = {"id": 1, "status": {"state": "=1", "pid": None, "alive": False}, "at": UTC}
    assert csv_lines([record]) == f"1,'=1,,false,{UTC}\r\n"
    assert json.loads(json_lines([record])) == record

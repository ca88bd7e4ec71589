"""What was measured, as a table for people, in Markdown, and in JSON."""

import dataclasses
import json
import statistics
from collections.abc import Sequence
from pathlib import Path

TIMES = "\N{MULTIPLICATION SIGN}"
NOTHING = "\N{EN DASH}"
COLUMNS = ("figure", "database", "measured", "against", "result", "to reach", "")


@dataclasses.dataclass(frozen=True)
class Row:
    """One figure on one database: a number, and the bar that it has to reach."""

    figure: str
    database: str
    measured: str
    against: str
    value: float
    unit: str
    bar: float
    at_least: bool = False
    rounds: Sequence[float] = ()

    @property
    def met(self) -> bool:
        """Whether the bar is reached."""
        return self.value >= self.bar if self.at_least else self.value <= self.bar

    def cells(self) -> list[str]:
        """Return the row as people read it."""
        sign = "≥" if self.at_least else "≤"
        digits = 2 if abs(self.value) < 10 else (1 if abs(self.value) < 100 else 0)
        return [
            self.figure,
            self.database,
            self.measured,
            self.against,
            f"{self.value:.{digits}f} {self.unit}",
            f"{sign} {self.bar:g} {self.unit}",
            "met" if self.met else "not met",
        ]


@dataclasses.dataclass(frozen=True)
class Result:
    """What one figure yields on one database."""

    rows: list[Row]
    notes: list[str] = dataclasses.field(default_factory=list)  # where the time goes, proofs


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, list[float]]:
    """Return the median of the rounds' ratios, and all of them."""
    rounds = [ours[number] / theirs[number] for number in range(len(ours))]
    return statistics.median(rounds), rounds


def text_table(rows: Sequence[Row]) -> str:
    """Return the table for a terminal."""
    lines = [list(COLUMNS), *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def markdown_table(rows: Sequence[Row]) -> str:
    """Return the table for docs/performance.md."""
    lines = [COLUMNS, ["---"] * len(COLUMNS), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


class Record:
    """The file of results: a figure that is measured again replaces its own part only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parts = json.loads(path.read_text()) if path.exists() else {}

    def put(self, figure: str, database: str, result: Result, about: dict[str, str]) -> None:
        """Keep one result, and what it was measured on; write the file."""
        part = dataclasses.asdict(result) | {"about": about}
        for row, kept in zip(result.rows, part["rows"], strict=True):
            kept["met"] = row.met
        self._parts[f"{figure}/{database}"] = part
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(self._parts, indent=1, ensure_ascii=False) + "\n")

    def rows(self, order: Sequence[str]) -> list[Row]:
        """Return all rows, in the order of these keys."""
        found = [self._parts[key]["rows"] for key in order if key in self._parts]
        names = {field.name for field in dataclasses.fields(Row)}
        return [
            Row(**{name: value for name, value in row.items() if name in names})
            for rows in found
            for row in rows
        ]

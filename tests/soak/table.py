"""The counts of a soak as a table for people."""

from collections.abc import Callable, Iterable, Sequence

from tests.soak.census import KINDS, Census, Figures

KIB = 1024
COLUMNS = ("first calm", "middle", "last calm", "most in a storm")

Row = tuple[str, list[str]]


def table(calm: Sequence[Census], storm: Sequence[Census]) -> str:
    """Return the whole table, ready to be printed."""
    chosen = [calm[0], calm[len(calm) // 2], calm[-1]]
    began = calm[0].at
    rows: list[Row] = [
        ("minutes", [f"{(census.at - began) / 60:.1f}" for census in chosen]),
        ("cycles", [f"{census.cycles:,}" for census in chosen]),
    ]
    for kind in KINDS:
        rows += _of_kind(kind, chosen, storm)
    rows.append(("log, KiB", [f"{census.log_bytes / KIB:.0f}" for census in chosen]))
    rows.append(("other files, bytes", _numbers(it.files for it in (*chosen, *_most(storm)))))
    for model in calm[-1].rows:
        rows.append((f"rows of {model}", [f"{census.rows[model]:,}" for census in chosen]))
    width = max(len(name) for name, _ in rows) + 2
    lines = [_line("", COLUMNS, width), *(_line(name, cells, width) for name, cells in rows)]
    return "\n".join(lines)


def _most(storm: Sequence[Census]) -> list[Census]:
    return [max(storm, key=lambda census: census.files)] if storm else []


def _of_kind(kind: str, chosen: Sequence[Census], storm: Sequence[Census]) -> Iterable[Row]:
    measures: dict[str, Callable[[Figures], int]] = {
        "USS, KiB": lambda it: it.uss // KIB,
        "PSS, KiB": lambda it: it.pss // KIB,
        "descriptors": lambda it: it.descriptors,
    }
    for name, measure in measures.items():
        cells = [_spread([measure(it) for it in census.of(kind)]) for census in chosen]
        yield f"{kind}: {name}", [*cells, _spread([measure(i) for s in storm for i in s.of(kind)])]


def _spread(values: list[int]) -> str:
    """The mean, and the most where there are several."""
    if not values:
        return "-"
    mean = f"{sum(values) / len(values):.0f}"
    return f"{mean} ({max(values)})" if len(values) > 1 else mean


def _numbers(values: Iterable[int]) -> list[str]:
    return [f"{value:,}" for value in values]


def _line(name: str, cells: Iterable[str], width: int) -> str:
    return f"{name:<{width}}" + "".join(f"{cell:>17}" for cell in cells)

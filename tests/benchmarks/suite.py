"""Runs the figures one after the other, and shows what is known of them."""

import importlib
import time
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.bench import Bench
from tests.benchmarks.results import Record, markdown_table, text_table
from tests.benchmarks.system import machine


def measure(
    figures: Sequence[str], vendor: str, directory: Path, record: Record, commit: str
) -> list[str]:
    """Measure each figure on one kind of database; return complaints about what was left behind."""
    output = directory / vendor
    output.mkdir()
    bench = Bench(output)
    try:
        for figure in figures:
            about = machine() | {"commit": commit}
            began = time.monotonic()
            module = importlib.import_module(f"tests.benchmarks.figures.{figure}")
            result = module.measure(bench, vendor)
            record.put(figure, vendor, result, about)
            say(f"\n{figure}, {vendor}: {time.monotonic() - began:.0f} s")
            say(text_table(result.rows))
            say("\n".join(result.notes))
    finally:
        complaints = bench.close()
    return complaints


def show(record: Record, order: Sequence[str]) -> None:
    """Print all that was ever measured, as a table and as Markdown."""
    rows = record.rows(order)
    say("\n" + text_table(rows))
    say("\n" + markdown_table(rows))
    say(f"\n{sum(row.met for row in rows)} of {len(rows)} are met.")


def say(text: str) -> None:
    """Tell whoever waits."""
    print(text, flush=True)  # noqa: T201

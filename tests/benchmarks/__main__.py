"""`python -m tests.benchmarks`, which `make bench` runs."""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.databases import POSTGRESQL, SQLITE
from tests.support.processes import ROOT
from tests.support.setup import set_up

VENDORS = (SQLITE, POSTGRESQL)
FIGURES = (
    *("throughput", "latency", "memory", "start", "cpu", "reaction"),
    *("pages", "observatory", "floods", "profile"),
)
RECORD = ROOT / "var" / "bench" / "results.json"


def main() -> int:
    """Measure what was asked for; print everything that has been measured."""
    arguments = _arguments()
    directory = set_up("bench")
    # Imports models, for which Django has to be set up.
    from tests.benchmarks.results import Record
    from tests.benchmarks.suite import measure, show

    record = Record(arguments.record)
    complaints = []
    for vendor in arguments.database:
        complaints += measure(arguments.figures, vendor, directory, record, _commit())
    show(record, [f"{figure}/{vendor}" for figure in FIGURES for vendor in VENDORS])
    for complaint in complaints:
        print(complaint, file=sys.stderr)  # noqa: T201
    return int(bool(complaints))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--figures", type=_words(FIGURES), default=FIGURES, help=f"of {','.join(FIGURES)}"
    )
    parser.add_argument(
        "--database", type=_words(VENDORS), default=VENDORS, help=f"of {','.join(VENDORS)}"
    )
    parser.add_argument(
        "--record", type=Path, default=RECORD, help="the JSON file that keeps all results"
    )
    return parser.parse_args()


def _words(allowed: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    """Return a parser of words out of `allowed`, with commas between them; of nothing, all."""

    def parse(text: str) -> tuple[str, ...]:
        chosen = tuple(text.split(",")) if text else allowed
        if unknown := set(chosen) - set(allowed):
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not of {', '.join(allowed)}")
        return chosen

    return parse


def _commit() -> str:
    """The commit that is measured, with a plus if files differ from it."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--exclude=*"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"{done.stdout.strip() or 'unknown'}, {time.strftime('%Y-%m-%d')}"


if __name__ == "__main__":
    sys.exit(main())

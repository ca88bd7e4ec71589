"""`python -m tests.fuzz.search --seconds 60`: search by coverage for bytes nobody thought of.

Begins with the corpus. What makes a check fail is written there as `found-…`, where `make test`
meets it until the cause is gone; then it deserves a name.
"""

import argparse
import importlib.util
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.generator import TOKENS

CORPUS = Path(__file__).parent / "corpus"
SECONDS = 60
MAX_BYTES = 4096  # of a stream: what is longer is slower and says no more
SLOW = 5  # seconds for one stream: that would be a failure too


def main() -> int:
    """Search for so many seconds; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    seconds = parser.parse_args().seconds
    if importlib.util.find_spec("atheris") is None:
        where = f"Python {platform.python_version()} on {platform.machine()}"
        _say(f"No coverage-guided search: there is no atheris for {where}.")
        return 0
    before = set(CORPUS.iterdir())
    _say(f"Searching for {seconds} s, from {len(before)} streams of the corpus.")
    with tempfile.TemporaryDirectory(prefix="bw-fuzz-") as directory:
        code = subprocess.run(_command(Path(directory), seconds), check=False).returncode
    for path in sorted(set(CORPUS.iterdir()) - before):
        _say(f"Kept: {path}")
    return code


def _command(directory: Path, seconds: int) -> list[str]:
    tokens = directory / "tokens"
    tokens.write_text("\n".join(map(_quoted, TOKENS)))
    new = directory / "new"
    new.mkdir()
    # fmt: off
    return [
        sys.executable, "-m", "tests.fuzz.target",
        f"-max_total_time={seconds}", f"-max_len={MAX_BYTES}", f"-timeout={SLOW}",
        f"-artifact_prefix={CORPUS}/found-", f"-dict={tokens}",
        "-use_value_profile=1", "-mutate_depth=3", "-verbosity=0", "-print_final_stats=1",
        str(new), str(CORPUS),
    ]
    # fmt: on


def _quoted(token: bytes) -> str:
    return '"' + "".join(f"\\x{byte:02x}" for byte in token) + '"'


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())

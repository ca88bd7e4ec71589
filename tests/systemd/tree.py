"""What a machine gets to install: the tree of this project, and what pip needs for it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.processes import ROOT

PYTHON = "/usr/bin/python3"  # the machine's, for which the wheels are
DOWNLOADING = 240.0  # seconds

# What a checkout has beyond the project.
STRAY = (".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "var")


def copy_tree(target: Path) -> None:
    """Copy the project as it stands, without what was made of it."""
    shutil.copytree(ROOT, target, ignore=shutil.ignore_patterns(*STRAY))


def download_wheels(target: Path) -> None:
    """Fetch what requirements.lock asks for, for the machine's Python."""
    version = subprocess.run([PYTHON, "--version"], capture_output=True, text=True, check=True)
    match = re.search(r"\d+\.\d+", version.stdout)
    assert match
    # fmt: off
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
        "--only-binary=:all:", f"--python-version={match[0]}", f"--dest={target}",
        f"--requirement={ROOT / 'requirements.lock'}",
    ]
    # fmt: on
    subprocess.run(command, check=True, timeout=DOWNLOADING)

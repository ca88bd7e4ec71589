"""The web UI as an ASGI application."""

import os
import subprocess
import sys
from pathlib import Path


def test_it_is_loaded_with_all_that_the_settings_name(tmp_path: Path) -> None:
    """In a process of its own: here, other tests have imported some of it, in another order."""
    command = [sys.executable, "-c", "import birdwatcher.asgi"]
    env = os.environ | {"BIRDWATCHER_DEBUG": "1", "BIRDWATCHER_STATE_DIR": str(tmp_path)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

"""What a test needs of the machine, and what happens where the machine does not have it."""

import os
from typing import NoReturn

import pytest


def left_out(what: str, reason: str) -> NoReturn:
    """Skip the test with `reason`, or fail it where the run is required to have `what`.

    `BIRDWATCHER_TEST_REQUIRE` names what may not be left out, separated by commas: in continuous
    integration a test that silently does not run is worse than one that fails.
    """
    if what in os.environ.get("BIRDWATCHER_TEST_REQUIRE", "").split(","):
        pytest.fail(f"{reason}, but BIRDWATCHER_TEST_REQUIRE asks for {what}", pytrace=False)
    pytest.skip(f"{reason}: left out")

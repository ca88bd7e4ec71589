"""Looking for spools that nobody is committing."""

import asyncio
import resource
from pathlib import Path
from unittest.mock import Mock

import pytest

from nodeproc.limits import NodeLimits
from supervisor.fleet import Fleet
from supervisor.protocols import FleetOwner, ToWriter


def test_a_directory_that_cannot_be_read_stops_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def survey_without_a_descriptor() -> None:
        fleet = Fleet(NodeLimits(), tmp_path, -1, Mock(spec=ToWriter), Mock(spec=FleetOwner))
        fleet.table_sent([])
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        reconciling = asyncio.create_task(fleet.reconcile_forever())
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            await asyncio.sleep(0)  # its first turn surveys
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert not reconciling.done()
        reconciling.cancel()

    asyncio.run(survey_without_a_descriptor())
    assert "the spools cannot be listed: Too many open files; next try in 30 s" in caplog.text

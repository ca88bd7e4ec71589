"""A spool that cannot be read is named in one sentence."""

import re
from pathlib import Path
from unittest.mock import Mock

import pytest

from birdwatcher.writer import spools
from nodeproc.delivery.spool import SpoolError
from nodeproc.wire.subjects import Origin, Subject

NODE = Origin(Subject.NODES, 7)
UNREADABLE = re.compile("the spool of node 7 cannot be read: is a directory", re.IGNORECASE)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Has a spool of the version before, and a directory in the place of today's."""
    (tmp_path / "7.spool").touch()
    (tmp_path / "nodes-7.spool").mkdir()
    return tmp_path


def test_when_spools_are_listed(directory: Path) -> None:
    with pytest.raises(SpoolError, match=UNREADABLE):
        list(spools.survey(directory))


def test_when_it_is_committed(directory: Path) -> None:
    with pytest.raises(SpoolError, match=UNREADABLE):
        spools.commit(directory, NODE, Mock())

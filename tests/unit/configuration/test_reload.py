"""What a running daemon takes of a changed configuration, and what it logs."""

import logging
import os
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections

from birdwatcher.configuration.config import load
from birdwatcher.configuration.reload import Reload
from nodeproc.limits import NodeLimits

DIRECTORY = "BIRDWATCHER_STATE_DIR"


@pytest.fixture
def reload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Reload:
    """The reload of a daemon that started with the defaults."""
    for name in list(os.environ):
        if name.startswith(("BIRDWATCHER_", "DATABASE_URL")):
            monkeypatch.delenv(name)
    monkeypatch.setenv(DIRECTORY, str(tmp_path / "state"))
    monkeypatch.setenv("BIRDWATCHER_SECRET_KEY", "k" * 50)
    caplog.set_level(logging.INFO)
    return Reload(load(os.environ))


def test_limits_and_the_level_of_the_log_are_taken(
    reload: Reload, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("BIRDWATCHER_SPOOL_BYTES", "65536")
    monkeypatch.setenv("BIRDWATCHER_WRITER_TIMEOUT", "10")
    monkeypatch.setenv("BIRDWATCHER_LOG_LEVEL", "ERROR")
    taken = reload()
    assert taken.node == NodeLimits(spool_bytes=65536)
    assert taken.writer_timeout == 10
    assert logging.getLogger().level == logging.ERROR
    assert caplog.messages == [
        "BIRDWATCHER_LOG_LEVEL: INFO -> ERROR",
        "BIRDWATCHER_SPOOL_BYTES: 67108864 -> 65536",
        "BIRDWATCHER_WRITER_TIMEOUT: 60.0 -> 10.0",
    ]


def test_what_takes_a_restart_is_named_each_time_and_not_taken(
    reload: Reload,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://user:hunter2@localhost/birdwatcher")
    monkeypatch.setenv(DIRECTORY, str(tmp_path / "another"))
    monkeypatch.setenv("BIRDWATCHER_LOG_FORMAT", "json")
    monkeypatch.setenv("BIRDWATCHER_METRICS", "127.0.0.1:9750")
    for _ in range(2):
        caplog.clear()
        assert reload().metrics is None
        assert caplog.messages == [
            f"{name} has changed, which takes a restart"
            for name in ("DATABASE_URL", DIRECTORY, "BIRDWATCHER_LOG_FORMAT", "BIRDWATCHER_METRICS")
        ]


def test_a_setting_of_the_web_ui_is_none_of_the_daemons(
    reload: Reload, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("BIRDWATCHER_SECRET_KEY", "s" * 50)
    monkeypatch.setenv("BIRDWATCHER_PUBLIC", "1")
    reload()
    assert caplog.messages == []


def test_a_mistake_changes_nothing(reload: Reload, monkeypatch: pytest.MonkeyPatch) -> None:
    before = reload()
    monkeypatch.setenv("BIRDWATCHER_SPOOL_BYTES", "65536")
    monkeypatch.setenv("BIRDWATCHER_BACKOFF_CAP", "soon")
    with pytest.raises(ValueError, match="BIRDWATCHER_BACKOFF_CAP is 'soon', but must be"):
        reload()
    monkeypatch.delenv("BIRDWATCHER_SPOOL_BYTES")
    monkeypatch.delenv("BIRDWATCHER_BACKOFF_CAP")
    assert reload() == before


def test_django_adds_nothing_to_the_configuration() -> None:
    """It does so to its settings, when a connection is first made."""
    assert "ATOMIC_REQUESTS" in connections["default"].settings_dict
    assert "ATOMIC_REQUESTS" not in settings.BIRDWATCHER.database

"""With BIRDWATCHER_DEBUG no process keeps the statements that it ran."""

import pytest
from django.conf import settings
from django.db import connection

from birdwatcher.writer.ledger import Ledger
from tests.support.databases import Database
from tests.support.sender import Sender

EVENTS, ROUNDS = 200, 5


def test_statements_are_not_kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    monkeypatch.setattr(settings, "DEBUG", True)
    sender, ledger = Sender(), Ledger()
    for _ in range(ROUNDS):
        sender.batch(EVENTS)
        ledger.commit(sender.resend())
    assert len(sender.names()) == ROUNDS * EVENTS
    assert not connection.queries_log

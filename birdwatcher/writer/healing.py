"""Mends what hinders a commit, and is no event's fault."""

import logging

from django.apps import apps

from birdwatcher.common.database import engine
from nodeproc.logs.fold import Fold

log = logging.getLogger("birdwatcher.writer")
_fold = Fold(log)


def raise_sequences() -> bool:
    """Raise each sequence of keys that is behind its rows; return whether there was one.

    Of all tables, since whoever loaded the rows of one with their keys did so with others. Raises
    django.db.Error.
    """
    raised = engine().raise_sequences(apps.get_models(include_auto_created=True))
    for table, key in raised.items():
        text = (
            f"the sequence of the keys of {table} was behind its rows, as after a restore that "
            f"loads rows with their keys; it now goes on after {key}"
        )
        _fold(logging.ERROR, table, text)
    return bool(raised)

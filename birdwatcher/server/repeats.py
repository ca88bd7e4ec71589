"""Folds the log lines that any client can cause, by a request or half of one."""

import logging
import threading

from nodeproc.logs.fold import Fold

# Django's lines about requests, such as "Not Found: /wp-login.php", and uvicorn's.
CAUSED_BY_CLIENTS = ("django.request", "django.security", "uvicorn.error")


class FoldRequests(logging.Filter):
    """Lets the first few lines of a kind through, and then one in a while with their number."""

    def __init__(self) -> None:
        super().__init__()
        self._fold = Fold(logging.getLogger())
        self._lock = threading.Lock()  # several threads answer requests

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write this line; add to it how many like it were left out."""
        if not record.name.startswith(CAUSED_BY_CLIENTS):
            return True
        with self._lock:
            remark = self._fold.take(_kind(record))
        if remark:
            record.msg, record.args = f"{record.getMessage()}{remark}", ()
        return remark is not None


def _kind(record: logging.LogRecord) -> str:
    """Return the kind of a line, from nothing that a client chooses: its logger, its words, where
    it failed."""
    kind = f"{record.name} {record.levelno}"
    if record.name == "django.request":
        # "%s: %s", of the reason, such as "Not Found", and the path.
        reason = record.args[0] if record.args and isinstance(record.args, tuple) else ""
        kind += f" {reason if str(record.msg).startswith('%s') else record.msg}"
    elif record.name == "uvicorn.error":
        kind += f" {record.msg}"
    if record.exc_info and record.exc_info[2]:
        last = record.exc_info[2]
        while last.tb_next:
            last = last.tb_next
        kind += f" {record.exc_info[0]} {last.tb_frame.f_code.co_filename}:{last.tb_lineno}"
    return kind

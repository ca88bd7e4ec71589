"""Log lines on standard error, as text or JSON.

Every process writes its own lines to the standard error it inherited, each line in one `write` of
at most PIPE_BUF bytes, which the kernel never mixes with another process's. A reader of standard
error that has stopped reading costs log lines, which are counted, and never the daemon's time.
Under systemd they go to the journal instead: see `nodeproc.logs.journal`.
"""

import contextlib
import json
import logging
import os
import select
import time
from typing import Any

from nodeproc.logs.speaker import origin_of, speaker
from nodeproc.text import printable

MAX_LINE = select.PIPE_BUF
WAIT_MS = 20  # for a full pipe to be read


def flush() -> None:
    """Wait a moment until what was logged has arrived; for a process that is about to end."""
    for handler in logging.getLogger().handlers:
        with contextlib.suppress(Exception):
            handler.flush()


class StderrHandler(logging.Handler):
    """Writes each record as one whole line to file descriptor 2, with no long wait for a reader."""

    def __init__(self) -> None:
        super().__init__()
        self.lost = 0  # lines that were not read, since the last one that was
        self._poll = select.poll()
        self._poll.register(2, select.POLLOUT)

    def emit(self, record: logging.LogRecord) -> None:
        """Write `record`, or count it as lost."""
        try:
            line = self.format(record)
            if not self._writable():
                self.lost += 1
                return
            if self.lost:
                lost, self.lost = self.lost, 0
                line += f"\n[{lost} log lines lost: standard error was not being read]"
            os.write(2, line.encode(errors="backslashreplace")[: MAX_LINE - 1] + b"\n")
        except OSError:  # its reader is gone
            self.lost += 1
        except Exception:
            self.handleError(record)

    def _writable(self) -> bool:
        events = self._poll.poll(0 if self.lost else WAIT_MS)
        return bool(events and events[0][1] & select.POLLOUT)


class TextFormatter(logging.Formatter):
    """`2026-05-01T08:46:00.123Z WARNING node=7 Dartmoor 10.0.3.2:9999: what happened`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its line break; a traceback follows on lines of its own."""
        line = (
            f"{_utc(record)} {record.levelname:<7} {speaker.name}: {printable(record.getMessage())}"
        )
        if record.exc_info:
            room = MAX_LINE - 200 - len(line.encode(errors="backslashreplace"))
            line += "\n" + self.formatException(record.exc_info)[-max(room // 2, 400) :]
        return line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, who, pid, subject, node, message, exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its line break."""
        entry: dict[str, Any] = {
            "time": _utc(record),
            "level": record.levelname.lower(),
            "who": speaker.name,
            "pid": record.process,
            "message": record.getMessage(),
        }
        origin, _ = origin_of(record)
        if origin:
            entry |= {"subject": origin.table, "node": origin.id}
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        # Shorten the texts in it, so that the line is JSON at any length.
        for longest in (3000, 1000, 250):
            line = json.dumps(entry, ensure_ascii=False)
            if len(line.encode(errors="backslashreplace")) < MAX_LINE:
                break
            for key in entry.keys() & {"who", "message", "exception"}:
                entry[key] = entry[key][-longest:]
        return line


def _utc(record: logging.LogRecord) -> str:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{moment}.{int(record.msecs):03d}Z"

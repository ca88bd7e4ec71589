"""Log lines of all processes: whole, in one place, and naming who speaks.

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
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

MAX_LINE = select.PIPE_BUF
WAIT_MS = 20  # for a full pipe to be read

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)}


class Speaker:
    """Who writes this process's lines."""

    def __init__(self) -> None:
        self.name = self.process = "birdwatcher"
        self.node: int | None = None
        self.node_name = ""

    def become(self, name: str, node: int | None = None, node_name: str = "") -> None:
        """From now on lines of this process begin with `name`, and carry the node it is of.

        The name's first word is the kind of process: `web` of `web worker 3`.
        """
        self.name = printable(name)
        self.process = self.name.partition(" ")[0] if node is None else "node"
        self.node, self.node_name = node, node_name


speaker = Speaker()


def printable(text: str) -> str:
    """`text` with control characters escaped, so that nobody's name can forge a line."""
    return text if text.isprintable() else text.translate(_CONTROLS)


def flush() -> None:
    """Let what was said arrive, which may take a moment: this process is about to end."""
    for handler in logging.getLogger().handlers:
        with contextlib.suppress(Exception):
            handler.flush()


def about(node: int, name: str = "") -> dict[str, object]:
    """The `extra` of a line about one node: `log.error("...", extra=about(7, "Dartmoor"))`.

    For those who speak of many nodes; in a node's own process every line is about that node.
    """
    return {"node": node, "node_name": name}


def node_of(record: logging.LogRecord) -> tuple[int | None, str]:
    """The id and name of the node that a line is about, as far as there is one and it is known."""
    if hasattr(record, "node"):
        return record.node, getattr(record, "node_name", "")
    return speaker.node, speaker.node_name


class StderrHandler(logging.Handler):
    """Writes each record as one whole line to file descriptor 2, and waits for nobody."""

    def __init__(self) -> None:
        super().__init__()
        self.lost = 0  # lines that nobody took, since the last one that was
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
        except OSError:  # nobody there to read it, and nobody to tell
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
    """One JSON object a line: time, level, who, pid, node, message, exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its line break."""
        entry: dict[str, Any] = {
            "time": _utc(record),
            "level": record.levelname.lower(),
            "who": speaker.name,
            "pid": record.process,
            "message": record.getMessage(),
        }
        node, _ = node_of(record)
        if node is not None:
            entry["node"] = node
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        # Shortened inside its texts, so that what is written is JSON at any length.
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


class Fold:
    """Folds repeats, so that an hour-long outage is a handful of lines.

    The first few lines of one kind are written as they come. After that one is written when a
    window has passed, with the number of those left out; each window is twice as long as the one
    before. A kind that was quiet for a whole window begins anew.
    """

    BURST = 3
    FIRST_WINDOW = 60.0  # seconds
    LAST_WINDOW = 3600.0
    MAX_KINDS = 64  # remembered; the one longest unused is forgotten first

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._kinds: OrderedDict[str, _Repeats] = OrderedDict()

    def __call__(
        self,
        level: int,
        kind: str,
        message: str,
        extra: dict[str, object] | None = None,
        error: BaseException | None = None,
    ) -> None:
        """Log `message`, or count it as one more of its `kind`.

        `extra`: see `about`; `error`: its traceback is logged with the message.
        """
        now = self._clock()
        repeats = self._kinds.setdefault(kind, _Repeats(now, self.FIRST_WINDOW))
        self._kinds.move_to_end(kind)
        if len(self._kinds) > self.MAX_KINDS:
            self._kinds.popitem(last=False)
        if now - repeats.last >= repeats.window:
            repeats.restart(now, self.FIRST_WINDOW)
        repeats.last = now
        if repeats.written < self.BURST:
            repeats.written += 1
        elif now - repeats.window_began < repeats.window:
            repeats.left_out += 1
            return
        else:
            minutes = (now - repeats.window_began) / 60
            if repeats.left_out:
                message += f" ({repeats.left_out} more of this in the last {minutes:.0f} min)"
            repeats.window_began, repeats.left_out = now, 0
            repeats.window = min(repeats.window * 2, self.LAST_WINDOW)
        self._log.log(level, "%s", message, exc_info=error, extra=extra, stacklevel=2)


class _Repeats:
    """What is known of one kind of line."""

    def __init__(self, now: float, window: float) -> None:
        self.restart(now, window)

    def restart(self, now: float, window: float) -> None:
        self.window_began = self.last = now
        self.window = window
        self.written = self.left_out = 0

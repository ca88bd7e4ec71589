"""The log in systemd's journal, with fields that can be searched.

It speaks the native protocol, https://systemd.io/JOURNAL_NATIVE_PROTOCOL/: a datagram an entry.

Why not one of the libraries (systemd-python, cysystemd): they keep one descriptor for good, in C.
Our children close every number they inherited (see supervisor.in_child); the library would go on
to write into whatever gets that number next. And they wait while journald hangs, which may cost log
lines but never the daemon's time.
"""

import contextlib
import errno
import fcntl
import logging
import os
import select
import socket
import struct
import sys
import termios
import time
from collections.abc import Mapping

from nodeproc.logs.lines import WAIT_MS, StderrHandler, TextFormatter
from nodeproc.logs.speaker import origin_of, speaker
from nodeproc.text import printable

STDERR = 2
SOCKET = "/run/systemd/journal/socket"

LAST_WORDS = 0.1  # seconds for the journal to take the last lines of a process
MOMENT = 0.002  # seconds

# Characters that a value may have; the second number is for a socket that takes only small
# datagrams. A longer one loses its middle: a message's beginning and a traceback's end say most.
# The protocol's other way, a sealed memory file, would keep such values whole; a node that makes us
# log long lines could then fill the journal's disk.
LONGEST = (16 * 1024, 256)

# syslog(3): critical 2, error 3, warning 4, informational 6, debug 7.
PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
DEBUG = 7


def is_journal(descriptor: int, stream: str) -> bool:
    """Whether `descriptor` leads to the journal, by `stream`, the value of JOURNAL_STREAM.

    That is the device and inode number of the standard output or error that systemd connected with
    the journal (systemd.exec(5)); a process whose output is redirected inherits the variable too.
    """
    try:
        found = os.fstat(descriptor)
    except OSError:
        return False
    return stream == f"{found.st_dev}:{found.st_ino}"


def complain(sentence: str, level: int = logging.ERROR) -> None:
    """Write a sentence to standard error, such as the one with which a program ends.

    Mark its level for the journal, with the prefix for lines of sd-daemon(3).
    """
    mark = (
        f"<{priority(level)}>" if is_journal(STDERR, os.environ.get("JOURNAL_STREAM", "")) else ""
    )
    sys.stderr.write(f"{mark}{sentence}\n")


def priority(level: int) -> int:
    """Return the priority, as in syslog(3), of a logging level."""
    return next((number for least, number in PRIORITIES if level >= least), DEBUG)


def identifier(process: str) -> str:
    """Return syslog's name for a kind of process: SyslogIdentifier= of its unit."""
    return "birdwatcher-web" if process == "web" else "birdwatcher"


def fields_of(record: logging.LogRecord) -> dict[str, str]:
    """Return the entry's fields. `MESSAGE` has no time and no level, but the traceback."""
    message = f"{speaker.name}: {printable(record.getMessage())}"
    fields = {
        "MESSAGE": message,
        "PRIORITY": str(priority(record.levelno)),
        "SYSLOG_IDENTIFIER": identifier(speaker.process),
        "PROCESS": speaker.process,
        "LOGGER": record.name,
        "CODE_FILE": record.pathname,
        "CODE_LINE": str(record.lineno),
        "CODE_FUNC": record.funcName or "",
    }
    origin, name = origin_of(record)
    if origin:
        fields |= {"SUBJECT": origin.table, "NODE": str(origin.id)}
    if name:
        fields["NODE_NAME"] = name
    if record.exc_info and (kind := record.exc_info[0]):
        traceback = logging.Formatter().formatException(record.exc_info)
        # Without control characters, for which journalctl would hide the whole entry.
        fields["MESSAGE"] = "\n".join([message, *map(printable, traceback.split("\n"))])
        fields["EXCEPTION"] = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    return fields


def encode(fields: Mapping[str, str], longest: int) -> bytes:
    """Return the datagram of one entry, with no value longer than `longest` characters."""
    return b"".join(_encode(name, _shortened(text, longest)) for name, text in fields.items())


def _encode(name: str, text: str) -> bytes:
    value = text.encode(errors="backslashreplace")
    if text.isprintable():
        return b"%s=%s\n" % (name.encode(), value)
    return b"%s\n%s%s\n" % (name.encode(), struct.pack("<Q", len(value)), value)


def _shortened(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"


def _untaken(descriptor: int) -> int:
    """Return how many bytes sent there have not been read yet (SIOCOUTQ, linux/sockios.h)."""
    (count,) = struct.unpack("i", fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4)))
    return int(count)


class JournalHandler(logging.Handler):
    """Sends each record to the journal, without waiting; without a journal, to standard error.

    The descriptor is kept as a plain number, which no garbage collection closes, and is used by the
    process that opened it alone: a forked child opens its own.
    """

    def __init__(self, path: str = SOCKET) -> None:
        """`path`: of the journal's socket, opened when there is something to say."""
        super().__init__()
        self._path = path
        self._owner = os.getpid()
        self._descriptor: int | None = None
        self._lost = 0
        self._absent = False  # the journal; that has been logged
        self._stderr = StderrHandler()
        self._stderr.setFormatter(TextFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        """Send `record`, or count it as lost; without a journal write it to standard error."""
        try:
            if self._owner != os.getpid():
                self._owner, self._descriptor, self._lost = os.getpid(), None, 0
                self._stderr.lost = 0
            self._send(fields_of(record))
        except OSError as error:
            self._write_instead(record, error)
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """Wait a moment until the journal has taken everything: before this process ends.

        journald looks up the sender when it reads an entry. If the process is gone by then, the
        entry belongs to no unit, and `journalctl -u` does not show it.
        """
        if self._descriptor is None or self._owner != os.getpid():
            return
        deadline = time.monotonic() + LAST_WORDS
        with contextlib.suppress(OSError):
            while _untaken(self._descriptor) and time.monotonic() < deadline:
                time.sleep(MOMENT)
        time.sleep(MOMENT)  # it has read the entry, and looks up the sender now

    def close(self) -> None:
        """Close the descriptor, if it is this process's own."""
        if self._owner == os.getpid():
            self._disconnect()
        super().close()

    def _send(self, fields: dict[str, str]) -> None:
        if lost := self._lost + self._stderr.lost:
            fields["LINES_LOST"] = str(lost)
            fields["MESSAGE"] += f"\n[{lost} log lines lost: the journal did not take them]"
        if self._sent(fields):
            self._lost = self._stderr.lost = 0
            self._absent = False
        else:
            self._lost += 1

    def _sent(self, fields: dict[str, str]) -> bool:
        """Send an entry, shorter if it must be; return whether it was taken. Raises OSError."""
        for longest in LONGEST:
            try:
                return self._put(encode(fields, longest))
            except OSError as error:
                if error.errno != errno.EMSGSIZE:
                    raise
        return False

    def _put(self, datagram: bytes) -> bool:
        """Send a datagram, on a new connection if the old one has come to its end."""
        if self._descriptor is not None:
            try:
                return self._write(self._descriptor, datagram)
            except OSError as error:
                if error.errno == errno.EMSGSIZE:
                    raise
                self._disconnect()  # systemd has made a new socket for the journal
        return self._write(self._connect(), datagram)

    def _write(self, descriptor: int, datagram: bytes) -> bool:
        """Write now, or as soon as there is room; wait for room only if no line was lost before."""
        deadline = time.monotonic() + (0 if self._lost else WAIT_MS / 1000)
        room = select.poll()
        room.register(descriptor, select.POLLOUT)
        while True:
            try:
                os.write(descriptor, datagram)
                return True
            except BlockingIOError:
                left = deadline - time.monotonic()
                if left <= 0 or not room.poll(left * 1000):
                    return False

    def _connect(self) -> int:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.setblocking(False)
            line.connect(self._path)
            self._descriptor = line.detach()
        return self._descriptor

    def _disconnect(self) -> None:
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None

    def _write_instead(self, record: logging.LogRecord, error: OSError) -> None:
        if not self._absent:
            self._absent = True
            why = f"no journal at {self._path} ({error.strerror or error})"
            says = {"levelname": "WARNING", "msg": f"{why}: the log goes to standard error"}
            self._stderr.emit(logging.makeLogRecord(says))
        self._stderr.emit(record)

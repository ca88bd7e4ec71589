"""The web UI under gunicorn: a master process that holds the socket, and its workers.

What one must know to change this file:

- The application is loaded once, before the workers are forked, so that they share its memory
  pages. Gunicorn's own reload (as of 27.0) would therefore fork workers with the old settings. Ours
  starts the whole program again by exec: in the same process, with the same sockets. The old
  workers stay its children and finish their answers; new connections wait in the socket's queue.
- During an upgrade, the path of the interpreter may lead through a symbolic link to the new
  release, while the working directory, and with it manage.py, is still the old one's. A reload is
  for the configuration and a restart for a new release, so the path is resolved at the start.
- A SIGHUP before its handler is set would end the process, which systemd takes for a clean end. A
  SIGCHLD would be lost, and the old worker would stay a zombie. Both are blocked until the handlers
  are set, also across the exec, and delivered then.
- A SIGTERM to a worker before its handlers are set would be lost, and after a reload the worker
  would answer with the old settings for ever. So it is blocked from before the fork until then.
- Django decides which proxies to trust (BIRDWATCHER_TRUST_PROXY), so gunicorn trusts none.
- A worker (`birdwatcher.server.worker`) ends by itself within `GRACEFUL_TIMEOUT`: after a reload,
  the new master does not know since when it should have ended.

`tests/unit/server/test_internals.py` shows if something that this uses of gunicorn has gone.
"""

import fcntl
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from gunicorn import systemd
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from setproctitle import setproctitle

from birdwatcher.common.limits import BACKLOG, GRACEFUL_TIMEOUT, HUNG_TIMEOUT, KEEPALIVE
from birdwatcher.server.worker import ENDING, Worker
from nodeproc.logs.speaker import speaker
from supervisor.resources import raise_limits

ABOVE_ALL_DESCRIPTORS = 512  # higher than any that a master uses
HELD_SIGNALS = {signal.SIGHUP, signal.SIGCHLD}

log = logging.getLogger("birdwatcher.web")


def serve(
    application: Callable[..., Any],
    *,
    workers: int,
    log_level: str,
    listener: socket.socket | None,
    check: Callable[[], object],
) -> None:
    """Serve the ASGI `application` until a signal ends the process; does not return.

    `listener` is None if systemd has passed sockets. `check()` is called before a reload, and
    refuses it by ImproperlyConfigured.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, HELD_SIGNALS)
    raise_limits()
    _Server(_Application(application, workers, log_level, listener), check).run()


def systemd_passes_sockets() -> bool:
    """Whether this process was started with listening sockets (sd_listen_fds(3))."""
    return (
        os.environ.get("LISTEN_PID") == str(os.getpid())
        and os.environ.get("LISTEN_FDS", "0") != "0"
    )


class _Application(BaseApplication):
    """The application and the settings, as gunicorn wants them."""

    def __init__(
        self,
        application: Callable[..., Any],
        workers: int,
        log_level: str,
        listener: socket.socket | None,
    ) -> None:
        self._application = application
        self._options: dict[str, Any] = {
            "workers": workers,
            # Gunicorn's INFO describes its own workings; this module logs what an operator needs.
            "loglevel": log_level if log_level in {"ERROR", "CRITICAL"} else "WARNING",
        }
        if listener is not None:
            self._options["bind"] = f"fd://{listener.detach()}"
        super().__init__()

    def load_config(self) -> None:
        """Set the settings here, so that gunicorn's own environment variables have no effect."""
        for name, value in (_SETTINGS | self._options).items():
            self.cfg.set(name, value)

    def load(self) -> Callable[..., Any]:
        """Return the application."""
        return self._application


class _Server(Arbiter):
    """Gunicorn's master with another reload."""

    def __init__(self, application: _Application, check: Callable[[], object]) -> None:
        self._check = check
        executable = Path(sys.executable)
        # Not the file's own link, which leads out of a virtual environment.
        self._python = str(executable.parent.resolve() / executable.name)
        super().__init__(application)
        # Gunicorn's messages go to the root logger, in the project's format.
        self.log.error_log.propagate = True

    def spawn_worker(self) -> int:
        """Fork a worker, to which a SIGTERM is delivered once its handlers are set."""
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        try:
            pid: int = super().spawn_worker()
            return pid
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)

    def handle_hup(self) -> None:
        """Start the same program again, with the present configuration."""
        try:
            self._check()
        except ImproperlyConfigured as error:
            log.error("not reloaded: %s", error)
            return
        # Before the log line: a reader of it may send the next signal, for the new program.
        signal.pthread_sigmask(signal.SIG_BLOCK, HELD_SIGNALS)
        log.info("reloading")
        systemd.sd_notify("RELOADING=1", self.log)
        self.kill_workers(signal.SIGTERM)
        _pass_on(self.LISTENERS)
        os.execv(self._python, [self._python, *sys.orig_argv[1:]])  # noqa: S606


def _pass_on(listeners: list[Any]) -> None:
    """Move the sockets to the descriptors at which systemd passes them."""
    copies = [
        fcntl.fcntl(listener.fileno(), fcntl.F_DUPFD_CLOEXEC, ABOVE_ALL_DESCRIPTORS)
        for listener in listeners
    ]
    for listener in listeners:
        listener.close()
    for number, copy in enumerate(copies, start=systemd.SD_LISTEN_FDS_START):
        os.dup2(copy, number, inheritable=True)
    os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(copies))}


def _ready(server: Any) -> None:
    """Note that the sockets listen and the signals are handled."""
    workers = f"{server.num_workers} worker{'' if server.num_workers == 1 else 's'}"
    log.info("listening on %s; %s", _addresses(server), workers)
    systemd.sd_notify(f"STATUS={workers}", server.log)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_SIGNALS)


def _before_fork(server: Any, _worker: Any) -> None:
    # Here, because gunicorn has just set a title of its own.
    setproctitle(f"birdwatcher: web {_addresses(server)}")


def _worker_begins(_server: Any, worker: Any) -> None:
    speaker.become(f"web worker {worker.age}")
    setproctitle(f"birdwatcher: web worker {worker.age}")


def _worker_ends(_server: Any, worker: Any) -> None:
    # Python would wait without a bound for a thread whose request takes too long.
    if os.getpid() == worker.pid and worker.booted:
        logging.shutdown()
        os._exit(0)


def _server_ends(_server: Any) -> None:
    log.info("stopped")


def _addresses(server: Any) -> str:
    return ", ".join(str(listener) for listener in server.LISTENERS)


_SETTINGS: dict[str, Any] = {
    "worker_class": Worker,
    "preload_app": True,
    "timeout": HUNG_TIMEOUT,
    "graceful_timeout": GRACEFUL_TIMEOUT,
    "keepalive": KEEPALIVE,
    "backlog": BACKLOG,
    # Touched every second, which must never wait for a disk.
    "worker_tmp_dir": "/dev/shm",  # noqa: S108
    "secure_scheme_headers": {},
    "forwarded_allow_ips": "",
    "forwarder_headers": "",
    "control_socket_disable": True,
    "errorlog": None,
    "accesslog": None,
    "when_ready": _ready,
    "pre_fork": _before_fork,
    "post_fork": _worker_begins,
    "worker_exit": _worker_ends,
    "on_exit": _server_ends,
}

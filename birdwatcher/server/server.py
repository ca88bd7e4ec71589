"""The web UI under gunicorn: a master process that holds the socket, and its workers.

What one must know to change this file:

- The application is loaded once, before the workers are forked, so that they share its pages.
  Gunicorn's own reload would therefore fork workers with the old settings; ours begins the whole
  program anew, in the same process and with the same sockets. The old workers stay its children
  and answer what they have begun. Connections wait in the socket's queue meanwhile.
- The interpreter's path may lead through a symbolic link to another release by then, while the
  working directory, and with it manage.py, is still the old one's. A reload takes configuration,
  and a restart a new release, so the path is resolved at the start.
- A SIGHUP that comes before its handler is there would end the process, and to systemd that is a
  clean end; a SIGCHLD would be forgotten, and the old worker stay a zombie. Both are blocked until
  then, also across the exec, and delivered afterwards.
- Who is a trusted proxy, Django decides (BIRDWATCHER_TRUST_PROXY), so gunicorn trusts nobody.
- A worker that is asked to end before its handlers are there would forget it, and after a reload
  answer with the old settings for ever. So what asks it waits until then, from before the fork.
- A worker (`birdwatcher.server.worker`) ends by itself within `GRACEFUL_TIMEOUT`: after a reload no
  master remembers how long it has been asked to.
"""

from __future__ import annotations

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
from gunicorn import glogging, systemd
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from setproctitle import setproctitle

from birdwatcher.common.limits import BACKLOG, GRACEFUL_TIMEOUT, HUNG_TIMEOUT, KEEPALIVE
from birdwatcher.server.worker import ENDING, Worker
from nodeproc.logs.speaker import speaker

ABOVE_ALL_DESCRIPTORS = 512  # of a master
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
    _Server(_Application(application, workers, log_level, listener), check).run()


def systemd_passes_sockets() -> bool:
    """Whether this process was started with listening sockets (sd_listen_fds(3))."""
    return (
        os.environ.get("LISTEN_PID") == str(os.getpid())
        and os.environ.get("LISTEN_FDS", "0") != "0"
    )


class _Application(BaseApplication):
    """What gunicorn wants to know."""

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
            # Gunicorn's INFO tells of its inner life; what an operator wants to know, we say.
            "loglevel": log_level if log_level in {"ERROR", "CRITICAL"} else "WARNING",
        }
        if listener is not None:
            self._options["bind"] = f"fd://{listener.detach()}"
        super().__init__()

    def load_config(self) -> None:
        """Set every setting that must not come from gunicorn's own environment variables."""
        for name, value in (_SETTINGS | self._options).items():
            self.cfg.set(name, value)

    def load(self) -> Callable[..., Any]:
        """Return the application."""
        return self._application


class _Log(glogging.Logger):
    """Gunicorn's messages through the project's log, in its format."""

    def setup(self, cfg: Any) -> None:
        """Let the messages pass to the root logger, instead of writing them."""
        super().setup(cfg)
        self.error_log.propagate = True


class _Server(Arbiter):
    """Gunicorn's master with another reload."""

    def __init__(self, application: _Application, check: Callable[[], object]) -> None:
        self._check = check
        executable = Path(sys.executable)
        # Not the file's own link, which leads out of a virtual environment.
        self._python = str(executable.parent.resolve() / executable.name)
        super().__init__(application)

    def spawn_worker(self) -> int:
        """Fork a worker, which hears what asks it to end once it can act on it."""
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        try:
            pid: int = super().spawn_worker()
            return pid
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)

    def handle_hup(self) -> None:
        """Begin anew with the configuration as it is now, and the program that was started."""
        try:
            self._check()
        except ImproperlyConfigured as error:
            log.error("not reloaded: %s", error)
            return
        # First of all: what comes once this is said is left to the program that begins anew.
        signal.pthread_sigmask(signal.SIG_BLOCK, HELD_SIGNALS)
        log.info("reloading")
        systemd.sd_notify("RELOADING=1", self.log)
        self.kill_workers(signal.SIGTERM)
        _pass_on(self.LISTENERS)
        os.execv(self._python, [self._python, *sys.orig_argv[1:]])  # noqa: S606


def _pass_on(listeners: list[Any]) -> None:
    """Move the sockets to where systemd would have passed them."""
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
    """The sockets listen, and the signals are handled."""
    workers = f"{server.num_workers} worker{'' if server.num_workers == 1 else 's'}"
    log.info("listening on %s; %s", _addresses(server), workers)
    systemd.sd_notify(f"STATUS={workers}", server.log)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_SIGNALS)


def _before_fork(server: Any, _worker: Any) -> None:
    # Here, because gunicorn sets a title of its own just before.
    setproctitle(f"birdwatcher: web {_addresses(server)}")


def _worker_begins(_server: Any, worker: Any) -> None:
    speaker.become(f"web worker {worker.age}")
    setproctitle(f"birdwatcher: web worker {worker.age}")


def _worker_ends(_server: Any, worker: Any) -> None:
    # Python would wait, without a bound, for a thread whose request has used up its time.
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
    "logger_class": _Log,
    "errorlog": None,
    "accesslog": None,
    "when_ready": _ready,
    "pre_fork": _before_fork,
    "post_fork": _worker_begins,
    "worker_exit": _worker_ends,
    "on_exit": _server_ends,
}

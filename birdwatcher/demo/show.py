"""Runs the demonstration: prepare, start the parts, print what happens, stop them."""

import http.client
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.urls import reverse

from birdwatcher.demo import environment
from birdwatcher.demo.interrupts import Interrupts
from birdwatcher.demo.part import Part
from birdwatcher.demo.prepare import HOST, USERNAME, Login, prepare
from birdwatcher.demo.watch import Watcher
from birdwatcher.simulator.addresses import AddressUnavailableError, check_available

LOOK_SECONDS = 0.3  # between two queries of the database
WEB_START_SECONDS = 60.0
STOP_SECONDS = 5.0  # for a part to end; in addition, the daemon has its configured time


class DemoError(Exception):
    """The demonstration cannot go on; the message is for the person who started it."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The TCP ports of the demonstration, all on 127.0.0.1."""

    web: int
    nodes: tuple[int, int, int]
    """Two simulated nodes, and a node in the database with a port on which nothing listens."""

    def __post_init__(self) -> None:
        if self.web in self.nodes:
            raise DemoError(f"port {self.web} is named twice: choose another one for the web UI")


class Demo:
    """One demonstration. Run it once, in the main thread of a process."""

    def __init__(self, ports: Ports, say: Callable[[str], None]) -> None:
        """`say` prints a line for the user."""
        self._ports = ports
        self._say = say
        self._interrupts = Interrupts()
        self._parts: list[Part] = []

    def run(self) -> None:
        """Run until SIGINT, SIGTERM or SIGHUP. Raises DemoError if it cannot go on."""
        self._check_ports()
        self._say("Preparing the database …")
        login = prepare(self._ports.nodes)
        watcher = Watcher()
        try:
            self._start()
            self._wait_for_web()
            if not self._interrupts.count:
                self._say(self._where_to_look(login))
            while not self._interrupts.count:
                for line in watcher.look():
                    self._say(line)
                self._wait(LOOK_SECONDS)
            self._say("Ending …")
        finally:
            self._end()

    def _check_ports(self) -> None:
        try:
            for port in (self._ports.web, *self._ports.nodes[:2]):
                check_available(HOST, port)
        except AddressUnavailableError as error:
            raise DemoError(str(error)) from error

    def _start(self) -> None:
        node_ports = map(str, self._ports.nodes[:2])
        patience = settings.BIRDWATCHER.daemon.node.stop_timeout + STOP_SECONDS
        web = ("runserver", "--noreload", f"{HOST}:{self._ports.web}")
        self._start_part("web", web, STOP_SECONDS)
        self._start_part("nodes", ("runnodes", *node_ports), STOP_SECONDS)
        self._start_part("daemon", ("connectnodes",), patience)

    def _start_part(self, name: str, arguments: tuple[str, ...], stop_seconds: float) -> None:
        log = _log_path(name)
        environ = environment.for_parts(os.environ)
        self._parts.append(Part(name, arguments, log, environ, stop_seconds))

    def _wait_for_web(self) -> None:
        deadline = time.monotonic() + WEB_START_SECONDS
        while not self._interrupts.count and not _answers(self._ports.web):
            if time.monotonic() > deadline:
                raise DemoError(
                    f"the web UI did not answer within {WEB_START_SECONDS:g} s; its log, "
                    f"{_log_path('web')}, ends:\n{self._parts[0].tail()}"
                )
            self._wait(LOOK_SECONDS)

    def _wait(self, seconds: float) -> None:
        """Wait. Raises DemoError if a part has ended."""
        self._interrupts.wait(seconds, *(part.pidfd for part in self._parts))
        for part in self._parts:
            if part.ended and not self._interrupts.count:
                self._parts.remove(part)
                tail = part.tail()
                raise DemoError(
                    f"the part {part.name!r} ended by itself, with {_exit(part.finish())}; "
                    f"its log, {part.log}, ends:\n{tail}"
                )

    def _end(self) -> None:
        # The daemon first: it should not see its nodes disconnect, and has data to store.
        for part in reversed(self._parts):
            part.stop(self._interrupts)
        for part in self._parts:
            part.finish()
        self._interrupts.close()

    def _where_to_look(self, login: Login) -> str:
        password = login.generated_password or f"the one in {environment.ADMIN_PASSWORD}"
        remark = " (was there already; the password is new)" if login.existed else ""
        first, second, nobody = self._ports.nodes
        return (
            "\nBirdwatcher runs.\n"
            f"  web UI    http://{HOST}:{self._ports.web}{settings.ROOT}\n"
            f"  user      {USERNAME}{remark}\n"
            f"  password  {password}\n"
            f"  nodes     {first} and {second}, simulated; {nobody}, where nobody listens\n"
            f"  logs      {_log_path('*')}\n"
            "Birds as they arrive; Ctrl-C ends everything:\n"
        )


def _log_path(name: str) -> Path:
    path: Path = settings.BIRDWATCHER.state_dir / f"demo-{name}.log"
    return path


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", reverse("login"))
        return connection.getresponse().status < http.client.INTERNAL_SERVER_ERROR
    except OSError:
        return False
    finally:
        connection.close()


def _exit(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"

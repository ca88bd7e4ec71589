"""`./manage.py serve`: the web UI in production, as an operator and a visitor see it."""

import http.client
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest

from birdwatcher.common.limits import SOCKET_TIMEOUT
from tests.support.databases import Database
from tests.support.hangup import hang_up_while_it_starts
from tests.support.ports import PortBlock
from tests.support.processes import Processes, Program, title_of
from tests.support.waiting import STARTING, wait_until
from tests.support.web import Browser

LISTENS = r"web: listening on http://"


@pytest.fixture
def address(ports: PortBlock) -> str:
    """Where the web UI is to listen."""
    return f"127.0.0.1:{ports.take()}"


@pytest.fixture
def serve(processes: Processes, address: str) -> Callable[..., Program]:
    """`serve(database, **env)`: start it and wait until it listens."""

    def start(database: Database, **env: str) -> Program:
        program = processes.manage("serve", address, env=database.env | env)
        program.wait_for_line(LISTENS)
        return program

    return start


def titles(program: Program) -> list[str]:
    """Return the titles of the master and its workers."""
    return [title_of(process) for process in (program.process, *program.children())]


def test_pages_and_their_static_files(
    database: Database, serve: Callable[..., Program], address: str
) -> None:
    program = serve(database, BIRDWATCHER_WEB_WORKERS="3")
    wait_until(
        lambda: (
            titles(program)
            == [
                f"birdwatcher: web http://{address}",
                *(f"birdwatcher: web worker {number}" for number in (1, 2, 3)),
            ]
        ),
        timeout=STARTING,
        message=lambda: f"titles: {titles(program)}",
    )
    browser = Browser(f"http://{address}")
    page = browser.get("/admin/login/")
    (style,) = re.findall(r'href="(/static/admin/css/base[^"]*\.css)"', page)
    assert "body" in browser.get(style)
    assert program.stop() == 0
    assert program.text().splitlines()[-1].endswith("web: stopped")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_reload_takes_the_new_configuration_and_refuses_nobody(
    database: Database, serve: Callable[..., Program], address: str, tmp_path: Path
) -> None:
    env_file = tmp_path / "birdwatcher.env"
    env_file.write_text("BIRDWATCHER_WEB_WORKERS=1\n")
    program = serve(database, BIRDWATCHER_ENV_FILE=str(env_file))
    wait_until(lambda: len(program.children()) == 1, timeout=STARTING, message="one worker")
    before = _descriptors(program)
    with Visitors(address) as visitors:
        env_file.write_text("BIRDWATCHER_WEB_WORKERS=nonsense\n")
        program.send(signal.SIGHUP)
        program.wait_for_line("not reloaded: BIRDWATCHER_WEB_WORKERS is 'nonsense'")
        env_file.write_text("BIRDWATCHER_WEB_WORKERS=2\n")
        program.send(signal.SIGHUP)
        program.wait_for_line("listening on .*; 2 workers")
        # Two at once, of which the second comes while the program begins anew.
        env_file.write_text("BIRDWATCHER_WEB_WORKERS=1\n")
        program.send(signal.SIGHUP)
        program.wait_for_line("reloading(.|\n)*reloading")
        program.send(signal.SIGHUP)
        wait_until(
            lambda: len(re.findall("listening on .*; 1 worker", program.text())) >= 3,
            timeout=STARTING,
            message=program.text,
        )
        enough = len(visitors.answers) + 20
        wait_until(lambda: len(visitors.answers) >= enough, timeout=STARTING, message="answers")
    assert set(visitors.answers) == {200}
    wait_until(lambda: len(program.children()) == 1, timeout=STARTING, message="old workers end")
    wait_until(lambda: not program.zombies(), timeout=STARTING, message="they are waited for")
    wait_until(
        lambda: _descriptors(program) == before,
        timeout=STARTING,
        message=lambda: f"{before} descriptors, now {_descriptors(program)}",
    )
    assert program.stop() == 0


def _descriptors(program: Program) -> int:
    return program.process.num_fds()


class Visitors:
    """Ask for a page again and again; `answers` are the status codes, or what went wrong."""

    def __init__(self, address: str) -> None:
        self.answers: list[object] = []
        self._address = address
        self._enough = threading.Event()
        self._threads = [threading.Thread(target=self._visit) for _ in range(3)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join()

    def _visit(self) -> None:
        while not self._enough.is_set():
            connection = http.client.HTTPConnection(self._address, timeout=STARTING)
            try:
                connection.request("GET", "/admin/login/")
                self.answers.append(connection.getresponse().status)
            except (OSError, http.client.HTTPException) as error:
                self.answers.append(repr(error))
            finally:
                connection.close()


# Become the program, by an interpreter whose path leads through a link.
BEGIN = """
import os, sys
python = sys.argv[2]
os.execv(python, [python, "manage.py", "serve", sys.argv[1]])
"""


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_reload_stays_with_the_release_it_was_started_from(
    database: Database, processes: Processes, address: str, tmp_path: Path
) -> None:
    """An upgrade moves the link `current` while the old release runs."""
    current, script = tmp_path / "current", tmp_path / "begin.py"
    current.symlink_to(sys.prefix)
    script.write_text(BEGIN)
    python = str(current / "bin" / "python")
    program = processes.python(str(script), address, python, env=database.env)
    program.wait_for_line(LISTENS)
    current.unlink()
    current.symlink_to(tmp_path)
    program.send(signal.SIGHUP)
    program.wait_for_line("reloading(.|\n)*listening on")
    assert Browser(f"http://{address}").get("/admin/login/")
    assert program.stop() == 0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_no_worker_outlives_a_reload_that_comes_while_it_starts(
    database: Database, serve: Callable[..., Program], address: str
) -> None:
    program = serve(database, BIRDWATCHER_WEB_WORKERS="4")
    for reload in range(1, 4):
        # At once: workers are being forked.
        program.send(signal.SIGHUP)
        program.wait_for_line(rf"(reloading(.|\n)*listening on(.|\n)*){{{reload}}}")
    workers = sorted(f"birdwatcher: web worker {number}" for number in range(1, 5))
    wait_until(
        lambda: sorted(title_of(process) for process in program.children()) == workers,
        timeout=STARTING,
        message="the last workers are alone",
    )
    assert Browser(f"http://{address}").get("/admin/login/")
    assert program.stop() == 0


def test_a_hangup_while_it_starts_is_kept_and_acted_on(
    database: Database, processes: Processes, address: str
) -> None:
    program = processes.manage("serve", address, env=database.env)
    hang_up_while_it_starts(program.pid, lambda: LISTENS in program.text())
    program.wait_for_line(rf"{LISTENS}(.|\n)*reloading(.|\n)*{LISTENS}")
    assert program.stop() == 0


# What a service manager does, in the process that then becomes the program.
ACTIVATE = """
import os, socket, sys
host, port = sys.argv[1].split(":")
listener = socket.create_server((host, int(port)))
if listener.fileno() != 3:
    os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(sys.executable, [sys.executable, "manage.py", "serve"])
"""


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_socket_from_the_service_manager(
    database: Database, processes: Processes, address: str, tmp_path: Path
) -> None:
    script = tmp_path / "activate.py"
    script.write_text(ACTIVATE)
    program = processes.python(str(script), address, env=database.env)
    program.wait_for_line(rf"listening on http://{address}")
    assert Browser(f"http://{address}").get("/admin/login/")
    program.send(signal.SIGHUP)
    program.wait_for_line("reloading(.|\n)*listening on")
    assert Browser(f"http://{address}").get("/admin/login/")
    assert program.stop() == 0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_refusals_are_one_sentence(
    database: Database, processes: Processes, ports: PortBlock
) -> None:
    with socket.create_server(("127.0.0.1", ports.take())) as taken:
        address = "{}:{}".format(*taken.getsockname())
        for given, said in {
            address: rf"cannot listen on {address}: address already in use\.",
            "127.0.0.1:birds": r"'127\.0\.0\.1:birds' is no address",
            "70000": r"'70000' is no address",
        }.items():
            program = processes.manage("serve", given, env=database.env)
            assert program.wait(STARTING) == os.EX_CONFIG
            (line,) = program.text().splitlines()
            assert re.search(said, line)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_visitor_who_stalls_loses_his_connection(
    database: Database, serve: Callable[..., Program], address: str
) -> None:
    """Half a request holds a thread; more of them than there are threads must not stop the rest."""
    program = serve(database, BIRDWATCHER_WEB_WORKERS="1")
    host, port = address.split(":")
    stalled = [socket.create_connection((host, int(port)), timeout=60) for _ in range(8)]
    try:
        for connection in stalled:
            connection.sendall(b"GET /admin/login/ HTTP/1.1\r\nHost:")
        for connection in stalled:
            connection.settimeout(3 * SOCKET_TIMEOUT + STARTING)
            assert b"200" not in connection.recv(4096)
    finally:
        for connection in stalled:
            connection.close()
    assert Browser(f"http://{address}").get("/admin/login/")
    assert "Traceback" not in program.text()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nobody_is_believed_to_be_a_proxy(
    database: Database, serve: Callable[..., Program], address: str
) -> None:
    """Whether a request came by HTTPS, its header says only if BIRDWATCHER_TRUST_PROXY is set."""
    serve(database, BIRDWATCHER_HTTPS="1")
    connection = http.client.HTTPConnection(address, timeout=STARTING)
    connection.request("GET", "/admin/login/", headers={"X-Forwarded-Proto": "https"})
    response = connection.getresponse()
    assert (response.status, response.headers["Location"]) == (
        301,
        f"https://{address}/admin/login/",
    )
    connection.close()


def test_a_head_of_an_export_makes_none(
    database: Database, serve: Callable[..., Program], address: str
) -> None:
    program = serve(database, BIRDWATCHER_PUBLIC="1")
    heads = []
    for method in ("HEAD", "GET"):
        connection = http.client.HTTPConnection(address, timeout=STARTING)
        connection.request(method, "/birds/export/?format=csv")
        response = connection.getresponse()
        text = response.read()
        assert response.status == 200
        assert bool(text) == (method == "GET")
        heads.append({name.lower() for name, _ in response.getheaders()} - {"transfer-encoding"})
        connection.close()
    assert heads[0] == heads[1]
    assert "Traceback" not in program.text()

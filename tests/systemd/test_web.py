"""The web UI behind its socket."""

import http.client

import pytest

from tests.support.waiting import wait_until
from tests.systemd.machine import Machine
from tests.systemd.service import SOCKET, WEB, Service

pytestmark = [pytest.mark.xdist_group("systemd"), pytest.mark.timeout(600)]

ADDRESS = ("127.0.0.1", 8000)
ANSWERING = 30.0  # seconds


def get(machine: Machine, path: str = "/admin/login/") -> int:
    """Return the status of a page; raise OSError where nobody answers."""
    connection = http.client.HTTPConnection(*ADDRESS, timeout=ANSWERING)
    connection.sock = machine.make_socket()
    connection.sock.settimeout(ANSWERING)
    try:
        connection.sock.connect(ADDRESS)
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def keeps_answering(service: Service, change: str) -> None:
    """Ask for page after page until the change is over, and for some more."""
    before = service.show("MainPID", WEB)
    service.systemctl("--no-block", change, WEB)
    over = replaced if change == "restart" else (lambda _service, _before: True)
    wait_until(
        lambda: get(service.machine) == 200 and over(service, before),
        timeout=ANSWERING,
        message=lambda: service.status(WEB),
    )
    assert [get(service.machine) for _ in range(20)] == [200] * 20


def replaced(service: Service, before: str) -> bool:
    """Whether the service runs with another main process."""
    running = service.show("ActiveState", WEB) == "active"
    return running and service.show("MainPID", WEB) != before


def test_nobody_is_refused(sqlite: Service) -> None:
    """The first visitor starts the service; a restart, a reload and a kill refuse nobody."""
    sqlite.systemctl("start", SOCKET)
    assert get(sqlite.machine) == 200
    keeps_answering(sqlite, "restart")
    keeps_answering(sqlite, "reload")
    sqlite.systemctl("kill", "--signal=KILL", "--kill-whom=all", WEB)
    assert [get(sqlite.machine) for _ in range(20)] == [200] * 20
    # Its files are served, too.
    assert get(sqlite.machine, "/static/admin/css/base.css") == 200

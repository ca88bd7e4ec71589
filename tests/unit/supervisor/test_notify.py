"""What is said to systemd, on a real socket."""

import os
import socket
from collections.abc import Iterator

import pytest

from supervisor.notify import Notifier
from tests.support.manager import Manager


@pytest.fixture
def manager() -> Iterator[Manager]:
    manager = Manager(watchdog=20)
    yield manager
    manager.close()


def test_everything_it_says(manager: Manager) -> None:
    notifier = Notifier(manager.env)
    notifier.starting()
    notifier.say("starting")
    assert manager.said() == [("EXTEND_TIMEOUT_USEC", "30000000"), ("STATUS", "starting")]
    notifier.ready()
    notifier.beat()
    assert manager.said()[2:] == [("READY", "1"), ("WATCHDOG", "1")]
    notifier.reloading()
    name, value = manager.said()[-1]
    assert (manager.said()[4], name, value.isdigit()) == (
        ("RELOADING", "1"),
        "MONOTONIC_USEC",
        True,
    )
    notifier.say("412 nodes")
    assert manager.said()[6:] == [("READY", "1"), ("STATUS", "412 nodes")]
    notifier.stopping(2.5)
    notifier.say("stopping")
    assert manager.said()[8:] == [
        ("STOPPING", "1"),
        ("EXTEND_TIMEOUT_USEC", "2500000"),
        ("STATUS", "stopping"),
    ]


def test_children_do_not_see_what_was_meant_for_the_parent(manager: Manager) -> None:
    env = manager.env | {"WATCHDOG_PID": str(os.getpid()), "HOME": "/"}
    assert Notifier(env).watchdog == 20
    assert env == {"HOME": "/"}


@pytest.mark.parametrize(
    "other", [{"WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"}, {"NOTIFY_SOCKET": ""}]
)
def test_nobody_watches(manager: Manager, other: dict[str, str]) -> None:
    assert Notifier(manager.env | other).watchdog is None


@pytest.mark.parametrize("address", [None, "", "vsock:1:2", "/nowhere/at/all"])
def test_without_a_manager_nothing_happens(address: str | None) -> None:
    notifier = Notifier({} if address is None else {"NOTIFY_SOCKET": address})
    notifier.ready()
    notifier.say("1 node")


def test_a_manager_that_does_not_read_costs_no_time(manager: Manager) -> None:
    notifier = Notifier(manager.env)
    for number in range(5000):
        notifier.say(f"{number} nodes")
    assert 0 < len(manager.values("STATUS")) < 5000


def test_abstract_address() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as abstract:
        abstract.bind("")  # the kernel chooses one
        abstract.settimeout(10)
        address = "@" + abstract.getsockname()[1:].decode()
        Notifier({"NOTIFY_SOCKET": address}).say("1 node")
        assert abstract.recv(100) == b"STATUS=1 node"

"""What cannot work says so, in one sentence, and is not tried again and again."""

from collections.abc import Callable

import pytest

from tests.systemd.service import DAEMON, STATE, Service

pytestmark = [pytest.mark.xdist_group("systemd"), pytest.mark.timeout(600)]

EX_CONFIG = "78"


def other_vendor(service: Service) -> None:
    service.credential("DATABASE_URL", "mysql://birds:secret@db.example/birds")


def no_migrations(service: Service) -> None:
    service.credential("DATABASE_URL", f"sqlite:///{STATE}/empty.sqlite3")


def locked_state(service: Service) -> None:
    lock = service.machine.path(f"{STATE}/daemon.lock")
    lock.unlink(missing_ok=True)
    lock.touch(0o600)  # root's


def bad_number(service: Service) -> None:
    service.configure(BIRDWATCHER_BACKOFF_CAP="soon")


def unknown_variable(service: Service) -> None:
    service.configure(BIRDWATCHER_BACKOF_CAP="3")


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (other_vendor, "DATABASE_URL"),
        (no_migrations, "migrat"),
        (locked_state, f"{STATE}"),
        (bad_number, "BIRDWATCHER_BACKOFF_CAP"),
        (unknown_variable, "BIRDWATCHER_BACKOF_CAP"),
    ],
)
def test_one_sentence(sqlite: Service, mistake: Callable[[Service], None], words: str) -> None:
    mistake(sqlite)
    refuses(sqlite, words)


def test_occupied_address_of_the_metrics(sqlite: Service) -> None:
    with sqlite.machine.make_socket() as occupied:
        occupied.bind(("127.0.0.1", 9750))
        occupied.listen()
        sqlite.configure(BIRDWATCHER_METRICS="127.0.0.1:9750")
        refuses(sqlite, "127.0.0.1:9750")


def refuses(sqlite: Service, words: str) -> None:
    """It does not start, says why in one sentence with these words, and leaves it at that."""
    assert sqlite.systemctl("start", DAEMON, check=False).returncode
    assert sqlite.show("ExecMainStatus") == EX_CONFIG, sqlite.log()
    # And not "activating", until the next try.
    assert sqlite.show("ActiveState") == "failed"
    assert sqlite.show("NRestarts") == "0"
    (said,) = sqlite.own_words("--priority=err")
    assert sqlite.own_words() == [said]
    assert words in said
    assert "secret" not in sqlite.log()
    assert words in sqlite.status()


def test_a_second_daemon_waits_for_the_first(sqlite: Service) -> None:
    """It ends with another code, after which systemd tries again: the first one may be ending."""
    holder = ("flock", "--exclusive", f"{STATE}/daemon.lock", "sleep", "infinity")
    sqlite.machine.run("systemd-run", "--unit=holder", *holder)
    sqlite.systemctl("start", "--no-block", DAEMON)
    sqlite.wait_for("NRestarts", "[1-9][0-9]*")
    assert "Processes of an earlier daemon" in sqlite.log()
    sqlite.systemctl("stop", "holder")
    sqlite.wait_for("ActiveState", "active")

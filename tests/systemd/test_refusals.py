"""What cannot work says so, in one sentence, and is not tried again and again."""

from collections.abc import Callable

import pytest

from tests.support.waiting import stays_true
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
    assert sqlite.systemctl("start", DAEMON, check=False).returncode
    assert sqlite.show("ExecMainStatus") == EX_CONFIG, sqlite.log()
    stays_true(
        lambda: sqlite.show("ActiveState") == "failed",
        seconds=3,  # longer than RestartSec=
        message="nobody tries again",
    )
    assert sqlite.show("NRestarts") == "0"
    (said,) = sqlite.own_words()
    assert words in said
    assert said.rstrip().endswith((".", ":")) or said.count(". ") == 0
    assert "secret" not in sqlite.log()
    assert words in sqlite.status()


def test_a_second_daemon_waits_for_the_first(sqlite: Service) -> None:
    """It ends with another code, after which systemd tries again: the first one may be ending."""
    sqlite.systemctl("stop", DAEMON)
    holder = ("flock", "--exclusive", f"{STATE}/daemon.lock", "sleep", "infinity")
    sqlite.machine.run("systemd-run", "--unit=holder", *holder)
    sqlite.systemctl("start", DAEMON, check=False)
    sqlite.wait_for("NRestarts", "[1-9][0-9]*")
    sqlite.systemctl("stop", "holder")
    sqlite.wait_for("ActiveState", "active")

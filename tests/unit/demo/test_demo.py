"""The demonstration's environment and its lines."""

import datetime
from pathlib import Path

import pytest

from birdwatcher.demo.environment import complete, for_parts
from birdwatcher.demo.show import DemoError, Ports
from birdwatcher.demo.watch import bird_line, node_line

CONFIGURED, DEFAULT = Path("/configured"), Path("/default")
NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


def test_alone_it_has_debug_and_a_state_directory_of_its_own() -> None:
    assert complete({"PATH": "/bin"}, CONFIGURED, DEFAULT) == {
        "PATH": "/bin",
        "BIRDWATCHER_DEBUG": "1",
        "BIRDWATCHER_STATE_DIR": "/default",
    }


def test_what_is_configured_stays_but_never_another_database() -> None:
    environ = {
        "BIRDWATCHER_DEBUG": "0",
        "BIRDWATCHER_STATE_DIR": "relative",
        "DATABASE_URL": "postgresql://production/birds",
    }
    assert complete(environ, CONFIGURED, DEFAULT) == {
        "BIRDWATCHER_DEBUG": "0",
        "BIRDWATCHER_STATE_DIR": "/configured",
    }


def test_completing_twice_changes_nothing_more() -> None:
    once = complete({}, CONFIGURED, DEFAULT)
    assert complete(once, DEFAULT, DEFAULT) == once


def test_the_parts_do_not_get_the_password() -> None:
    parts = for_parts({"BIRDWATCHER_ADMIN_PASSWORD": "secret", "PATH": "/bin"})
    assert parts == {"PATH": "/bin", "PYTHONUNBUFFERED": "1"}


def test_the_line_of_a_bird() -> None:
    line = bird_line(NOON, "Dartmoor", "Grünspecht", "Klára")
    assert line == "bird  2026-03-01 12:00:00 UTC  Dartmoor  Grünspecht  Klára"


def test_no_name_can_forge_a_line_or_move_the_cursor() -> None:
    line = bird_line(NOON, "Dart\nmoor", "Wren", "\x1b[2JBob")
    assert line.isprintable()
    assert r"Dart\nmoor  Wren  \x1b[2JBob" in line


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("connected", "Exmoor 127.0.0.1:9998 is connected"),
        ("backing off", "Exmoor 127.0.0.1:9998 is backing off (connection refused)"),
    ],
)
def test_the_line_of_a_node(state: str, told: str) -> None:
    line = node_line(NOON, "Exmoor 127.0.0.1:9998", state, "connection refused")
    assert line == f"node  2026-03-01 12:00:00 UTC  {told}"


def test_the_web_ui_needs_a_port_of_its_own() -> None:
    with pytest.raises(DemoError, match="port 9998 is named twice"):
        Ports(web=9998, nodes=(9999, 9998, 9997))

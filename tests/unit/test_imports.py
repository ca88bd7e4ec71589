"""Who may import whom: the arrows of the design, kept."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.rooms import (
    OUTSIDE,
    PAGE,
    ROOT,
    STOREYS,
    files_of,
    imported_modules,
    imports_of_rooms,
    page_with_drawing,
    tree_of,
)

ROOMS = {
    "nodeproc": {"msgspec", "nodeproc", "setproctitle"},
    "supervisor": {"nodeproc", "supervisor", "prometheus_client", "psutil", "setproctitle"},
}
PROGRAM = ("nodeproc", "supervisor", "birdwatcher")

# The one file that makes processes, and the names with which Python does.
FORKING_FILE = Path("supervisor/children.py")
FORKING_NAMES = {
    "Process",
    "Popen",
    "fork",
    "forkpty",
    "get_context",
    "posix_spawn",
    "posix_spawnp",
}
FORKING_MODULES = {"subprocess", "concurrent", "pty"}


def used_names(path: Path) -> set[str]:
    """Return every name that a file mentions, as a variable, an attribute or an import."""
    names = set()
    for part in ast.walk(tree_of(path)):
        if isinstance(part, ast.Name):
            names.add(part.id)
        elif isinstance(part, ast.Attribute):
            names.add(part.attr)
        elif isinstance(part, ast.alias):
            names.add(part.name)
    return names


def test_rooms_are_there() -> None:
    for room in PROGRAM:
        assert files_of(room), f"{room}/ has no Python file"
    assert (ROOT / FORKING_FILE).is_file()


@pytest.mark.parametrize("package", STOREYS)
def test_arrows_point_down(package: str) -> None:
    height = {
        room: number
        for number, rooms in enumerate(reversed(STOREYS[package].values()))
        for room in rooms
    }
    found = imports_of_rooms(package)
    inside = {room for room in found if f"{package}.{room}" not in OUTSIDE}
    assert inside == height.keys()
    wrong = {
        f"{room} -> {other}"
        for room in inside
        for other in found[room]
        if height.get(other, len(height)) >= height[room]
    }
    assert not wrong


def test_the_drawing_shows_the_rooms_as_they_are() -> None:
    again = "run `make docs`"
    assert page_with_drawing() == PAGE.read_text(encoding="utf-8"), again


def test_simulator_knows_nothing_of_the_program() -> None:
    modules = {
        module for path in files_of("birdwatcher/simulator") for module in imported_modules(path)
    }
    product = {module for module in modules if module.partition(".")[0] in PROGRAM}
    allowed = ("birdwatcher.simulator.", "nodeproc.sources.tcp.protocol.")
    assert {module for module in product if not module.startswith(allowed)} == set()


@pytest.mark.parametrize("path", files_of(*ROOMS), ids=str)
def test_imports_only_what_its_room_may(path: Path) -> None:
    allowed = sys.stdlib_module_names | ROOMS[path.parts[0]]
    roots = {module.partition(".")[0] for module in imported_modules(path)}
    assert not roots - allowed


@pytest.mark.parametrize("path", files_of(*PROGRAM), ids=str)
def test_program_never_imports_its_tests(path: Path) -> None:
    assert "tests" not in {module.partition(".")[0] for module in imported_modules(path)}


@pytest.mark.parametrize(
    "path", [path for path in files_of(*ROOMS) if path != FORKING_FILE], ids=str
)
def test_only_one_file_makes_processes(path: Path) -> None:
    roots = {module.partition(".")[0] for module in imported_modules(path)}
    # psutil's own `Process` looks at processes, it makes none.
    makes = FORKING_NAMES - {"Process"} if "psutil" in roots else FORKING_NAMES
    assert not used_names(path) & makes
    assert not roots & FORKING_MODULES


@pytest.mark.parametrize("room", ROOMS)
def test_loads_no_django(room: str) -> None:
    modules = [
        ".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in files_of(room)
    ]
    script = "\n".join(
        (
            "import sys",
            *(f"import {module}" for module in modules),
            "print(*(n for n in sys.modules if n.split('.')[0] in {'django', 'birdwatcher'}))",
        )
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []

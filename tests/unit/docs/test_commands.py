"""Every command that the documents show can be given: programs, options, targets, units exist."""

import fnmatch
import importlib.util
import itertools
import re
from collections.abc import Callable

import pytest
from django.core.management import CommandError, get_commands, load_command_class

from tests.support import documents
from tests.support.processes import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
INSTALL = (ROOT / "systemd" / "install.sh").read_text()
UNITS = [path.name for path in (ROOT / "systemd").iterdir()]
OTHER_UNITS = {"postgresql.service", "systemd-journald.service"}
# Programs of the system, which nobody here defines.
SYSTEM = {
    ".", "apt", "cd", "cp", "createdb", "createuser", "curl", "dropdb", "export", "git", "grep",
    "install", "nc", "pg_dump", "pg_restore", "ps", "python3", "rm", "ssh",
    ".venv/bin/pip",
}  # fmt: skip


def check_manage(arguments: list[str]) -> None:
    """Parse the arguments of manage.py as it would."""
    name, *options = arguments
    assert name in get_commands(), f"there is no command {name}"
    if "--help" in options:
        return
    command = load_command_class(get_commands()[name], name)
    try:
        command.create_parser("manage.py", name).parse_args(options)
    except CommandError as error:
        raise AssertionError(f"{name}: {error}") from None


def check_make(arguments: list[str]) -> None:
    """Find the targets, and what reads the variables."""
    for argument in arguments:
        variable, is_set, _ = argument.partition("=")
        wanted = rf"\$\((or \$\()?{variable}\b" if is_set else rf"^{argument}:"
        assert re.search(wanted, MAKEFILE, re.MULTILINE), f"make knows no {argument}"


def check_units(names: list[str]) -> None:
    """Find each unit; a name without a suffix is a service."""
    for name in names:
        unit = name if re.search(r"\.\w+$|\*", name) else f"{name}.service"
        assert unit in OTHER_UNITS or fnmatch.filter(UNITS, unit), f"there is no unit {unit}"


def check_systemctl(arguments: list[str]) -> None:
    """Find the units behind the verb."""
    check_units([it for it in arguments[1:] if not it.startswith("-")])


def check_journalctl(arguments: list[str]) -> None:
    """Find the units whose entries are asked for."""
    pairs = list(itertools.pairwise(arguments))
    check_units([value for option, value in pairs if option == "-u"])
    for option, value in pairs:
        if option == "-t":
            services = [
                (ROOT / "systemd" / name).read_text() for name in UNITS if "service" in name
            ]
            assert any(f"SyslogIdentifier={value}\n" in text for text in services)


def check_install(arguments: list[str]) -> None:
    """Find the options in the script."""
    for option in arguments:
        assert not option.startswith("--") or f" {option}" in INSTALL, f"no option {option}"


def check_python(arguments: list[str]) -> None:
    """Find the module, and the tests that pytest is to run."""
    if "-m" in arguments:
        assert importlib.util.find_spec(arguments[arguments.index("-m") + 1])
    for argument in arguments:
        assert not argument.startswith("tests/") or (ROOT / argument).exists()


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "./manage.py": check_manage,
    "birdwatcher": check_manage,
    "make": check_make,
    "systemctl": check_systemctl,
    "journalctl": check_journalctl,
    "systemd/install.sh": check_install,
    "python": check_python,
    ".venv/bin/python": check_python,
}


def check(program: list[str]) -> None:
    """Fail unless this program is there and takes these arguments."""
    name, *arguments = program
    if name in CHECKS:
        CHECKS[name](arguments)
    else:
        assert name in SYSTEM, f"{name} is none of the programs that documents use"


@pytest.mark.parametrize("name", documents.NAMES)
def test_a_command_in_a_block_can_be_given(name: str) -> None:
    for shown in documents.shown_in(documents.text_of(name)):
        for program in shown.programs():
            check(program)


@pytest.mark.parametrize("name", documents.NAMES)
def test_a_command_in_a_sentence_can_be_given(name: str) -> None:
    for code in documents.code_of(documents.text_of(name)):
        first = code.removeprefix("sudo ").partition(" ")
        if first[0] in CHECKS and first[2] not in {"", "…"}:
            for program in documents.programs_of(code):
                if program[0] in CHECKS:
                    check(program)


@pytest.mark.parametrize(
    "line",
    [
        "./manage.py fly",
        "sudo birdwatcher spool --comit",
        "make tests",
        "make chaos HOURS=1",
        "python -m birdwatcher.nothing",
        "systemctl stop birdwatcher.timer",
        "journalctl -u birdwatch",
        "systemd/install.sh --databaseurl x",
        "systmctl status birdwatcher",
    ],
)
def test_a_misspelt_command_is_found(line: str) -> None:
    with pytest.raises(AssertionError):
        check(documents.programs_of(line)[0])


def test_the_words_of_a_line() -> None:
    line = "sudo -u postgres pg_dump --format=custom x >y  # a comment"
    assert documents.programs_of(line) == [["pg_dump", "--format=custom", "x"]]
    assert documents.programs_of("A=1 ./manage.py health && . b | grep c:") == [
        ["./manage.py", "health"],
        [".", "b"],
        ["grep", "c:"],
    ]

"""What the documents name is there: links, files, functions, units, metrics, variables."""

import ast
import re
from pathlib import Path

import pytest

from supervisor.metrics.catalogue import METRICS
from tests.support import documents
from tests.support.processes import ROOT
from tests.support.rooms import files_of

PROGRAM = ("nodeproc", "supervisor", "birdwatcher")
LINK = re.compile(r"\]\(([^)\s]+)\)")
PATH = re.compile(r"(?:nodeproc|supervisor|birdwatcher|tests|systemd|docs|\.ci)/[\w./*-]*")
UNIT = re.compile(r"\bbirdwatcher(?:-web)?\.(?:service|socket|target|slice)\b")
METRIC = re.compile(r"\bbirdwatcher_[a-z_]+\b")
VARIABLE = re.compile(r"\b(?:BIRDWATCHER_[A-Z_]+|DATABASE_URL)\b")
# A row of the way of an event: its number, a file, functions of it.
STEP = re.compile(r"^\| \d+ \| `([^`]+)` \| ([^|]+) \|", re.MULTILINE)
METHOD = re.compile(r"[A-Z][a-z]\w+\.[a-z_]\w+")
# Variables of one command or one run of the tests, and the one that names the configuration file.
MOMENTARY = {
    "BIRDWATCHER_ADMIN_PASSWORD",
    "BIRDWATCHER_ENV_FILE",
    "BIRDWATCHER_TEST_REQUIRE",
    "BIRDWATCHER_TOKEN",
}


@pytest.mark.parametrize("name", documents.NAMES)
def test_a_link_leads_somewhere(name: str) -> None:
    for target in LINK.findall(documents.prose_of(documents.text_of(name))):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (ROOT / name).parent / path if path else ROOT / name
        assert found.exists(), f"{name} links to {target}"
        if anchor:
            page = str(found.resolve().relative_to(ROOT))
            assert anchor in documents.anchors_of(page), f"{name} links to {target}"


@pytest.mark.parametrize("name", documents.NAMES)
def test_a_file_that_is_named_is_there(name: str) -> None:
    for code in documents.code_of(documents.text_of(name)):
        if PATH.fullmatch(code):
            assert any(ROOT.glob(code.rstrip("/"))), f"{name} names {code}"


@pytest.mark.parametrize("name", documents.NAMES)
def test_a_unit_that_is_named_is_there(name: str) -> None:
    for unit in UNIT.findall(documents.text_of(name)):
        assert (ROOT / "systemd" / unit).exists(), f"{name} names {unit}"


@pytest.mark.parametrize("name", documents.NAMES)
def test_a_metric_that_is_named_is_served(name: str) -> None:
    served = {metric.name for metric in METRICS}
    assert set(METRIC.findall(documents.text_of(name))) <= served


@pytest.mark.parametrize("name", documents.NAMES)
def test_a_variable_that_is_named_is_read(name: str) -> None:
    example = (ROOT / "systemd" / "birdwatcher.env").read_text()
    read = set(re.findall(r"^#([A-Z_]+)=", example, re.MULTILINE))
    assert set(VARIABLE.findall(documents.text_of(name))) <= read | MOMENTARY


def test_the_way_of_an_event_names_functions_that_are_there() -> None:
    steps = STEP.findall(documents.section_of("docs/architecture.md", "## The way of one event"))
    assert len(steps) > 15
    for path, functions in steps:
        there = set(_functions(path))
        for function in documents.code_of(functions):
            assert function in there, f"docs/architecture.md: {path} has no {function}"


@pytest.mark.parametrize("name", documents.NAMES)
def test_a_method_that_is_named_is_there(name: str) -> None:
    named = {it for it in documents.code_of(documents.text_of(name)) if METHOD.fullmatch(it)}
    if named:
        assert named <= {function for path in files_of(*PROGRAM) for function in _functions(path)}


def _functions(path: str | Path) -> list[str]:
    """Return the functions of a file, and the methods of its classes as `Class.method`."""
    names = []
    for part in ast.parse((ROOT / path).read_text()).body:
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            names.append(part.name)
        elif isinstance(part, ast.ClassDef):
            names += [f"{part.name}.{it.name}" for it in part.body if hasattr(it, "name")]
    return names


def test_the_readme_is_short() -> None:
    assert len(documents.text_of("README.md").splitlines()) <= 150


def test_what_the_readme_links_to_is_installed_with_it() -> None:
    script = (ROOT / "systemd" / "install.sh").read_text()
    parts = re.search(r"^readonly parts=\((.*?)\)", script, re.MULTILINE | re.DOTALL)
    assert parts
    installed = set(parts[1].split())
    linked = LINK.findall(documents.text_of("README.md"))
    pages = [target for target in linked if re.fullmatch(r"[\w/]+(\.md)?(#.*)?", target)]
    assert len(pages) > 10
    assert {re.split("[/#]", page)[0] for page in pages} <= installed

"""The locked files: they fit what they are made of, and name the hash of everything."""

import re

import pytest
from packaging.requirements import Requirement

from tests.support.processes import ROOT

LOCKS = ("requirements.lock", "tests/requirements.lock")


def wanted(name: str) -> list[Requirement]:
    """Return the requirements of a file, without the files that it includes."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-r"))]


def locked(name: str) -> dict[str, list[tuple[Requirement, int]]]:
    """Return what a locked file has of each package, each with its number of hashes."""
    text = re.sub(r"\\\n", " ", (ROOT / name).read_text(encoding="utf-8"))
    found: dict[str, list[tuple[Requirement, int]]] = {}
    for line in text.splitlines():
        if line and not line.lstrip().startswith("#"):
            requirement = Requirement(line.partition("--hash")[0])
            hashes = len(re.findall(r"--hash=sha256:[0-9a-f]{64}(?= |$)", line))
            found.setdefault(requirement.name.lower(), []).append((requirement, hashes))
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_each_package_has_one_version_and_its_hashes(name: str) -> None:
    for package, lines in locked(name).items():
        for requirement, hashes in lines:
            assert re.fullmatch("==[^,*]+", str(requirement.specifier)), package
            assert requirement.url is None
            assert hashes, package


@pytest.mark.parametrize("name", LOCKS)
def test_what_is_locked_is_what_is_wanted(name: str) -> None:
    found = locked(name)
    for requirement in wanted(name.replace(".lock", ".txt")):
        lines = found[requirement.name.lower()]
        for line, _ in lines:
            (pinned,) = line.specifier
            assert requirement.specifier.contains(pinned.version), f"make lock: {requirement}"


def test_the_tests_run_on_what_is_installed() -> None:
    product, tests = map(locked, LOCKS)
    assert product.keys() <= tests.keys()
    for package, lines in product.items():
        assert {str(line.specifier) for line, _ in lines} == {
            str(line.specifier) for line, _ in tests[package]
        }


@pytest.mark.parametrize("name", LOCKS)
def test_no_package_index_is_prescribed(name: str) -> None:
    assert "://" not in (ROOT / name).read_text(encoding="utf-8")

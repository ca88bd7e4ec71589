"""The documents: README.md and its neighbours, docs/, and the commands that they show."""

import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tests.support.processes import ROOT

PAGES = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")))
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
HEADING = re.compile(r"^#+ +(.*?)\s*$", re.MULTILINE)
PROMPT = "$ "
OPERATORS = "|&;"
ASSIGNMENT = re.compile(r"\w+=")


@cache
def text_of(name: str) -> str:
    """Return a page, by its name relative to the root of the project."""
    return (ROOT / name).read_text(encoding="utf-8")


def section_of(name: str, heading: str) -> str:
    """Return what stands under a heading, up to the next one of its level or above."""
    level = heading.partition(" ")[0]
    behind = text_of(name).partition(f"\n{heading}\n")[2]
    assert behind, f"{name} has no heading {heading!r}"
    return re.split(rf"^#{{1,{len(level)}}} ", behind, maxsplit=1, flags=re.MULTILINE)[0]


def prose_of(text: str) -> str:
    """Return `text` without its blocks of code."""
    return BLOCK.sub("", text)


def blocks_of(text: str, language: str) -> Iterator[str]:
    """Yield the blocks of code in this language."""
    for indent, kind, block in BLOCK.findall(text):
        if kind == language:
            yield textwrap.dedent(block) if indent else block


def code_of(text: str) -> list[str]:
    """Return each piece of code that stands within a sentence or a table."""
    return [code.replace(r"\|", "|") for _, code in INLINE.findall(prose_of(text))]


def anchors_of(name: str) -> set[str]:
    """Return the anchors of a page, made from its headings as GitHub makes them."""
    found: list[str] = []
    for heading in HEADING.findall(prose_of(text_of(name))):
        plain = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = sum(1 for anchor in found if re.fullmatch(rf"{re.escape(plain)}(-\d+)?", anchor))
        found.append(f"{plain}-{number}" if number else plain)
    return set(found)


@dataclass(frozen=True)
class Shown:
    """A command as a `console` block shows it, and the output below it."""

    line: str
    output: str = ""

    def programs(self) -> list[list[str]]:
        """Return the words of each program that the line runs, without `sudo` and variables."""
        return programs_of(self.line)


def shown_in(text: str) -> list[Shown]:
    """Return the commands in the `console` blocks of `text`."""
    found = []
    for block in blocks_of(text, "console"):
        assert block.startswith(PROMPT), f"begins without a prompt: {block}"
        for part in f"\n{block}".split(f"\n{PROMPT}")[1:]:
            line, _, output = part.partition("\n")
            found.append(Shown(line, output.strip()))
    return found


def programs_of(line: str) -> list[list[str]]:
    """Return the words of each program that a line of shell runs. Raises ValueError."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=OPERATORS)
    lexer.whitespace_split = True
    programs: list[list[str]] = [[]]
    for word in lexer:
        if set(word) <= set(OPERATORS):
            programs.append([])
        elif word[0] not in "<>":
            programs[-1].append(word)
    return [found for program in programs if (found := _without_prefix(program))]


def _without_prefix(words: list[str]) -> list[str]:
    """Return a program's words without `sudo` and the variables before it."""
    while words and (words[0] == "sudo" or ASSIGNMENT.match(words[0])):
        as_user = words[:1] == ["sudo"] and words[1:2] == ["-u"]
        words = words[3 if as_user else 1 :]
    return words

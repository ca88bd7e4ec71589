"""The rule for characters, against what Unicode says of each."""

import json
import sys
import unicodedata

import pytest

from nodeproc.text import is_storable, printable, printable_json

JOINERS = "\u200c\u200d"
# Format characters that are drawn: signs over numbers, and the joints of hieroglyphs.
DRAWN = {
    *map(chr, (*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD)),
    *map(chr, range(0x13430, 0x13440)),
}


def is_dangerous(character: str) -> bool:
    """Whether it controls something, ends a line, turns the direction, or cannot be seen."""
    if character in JOINERS or character in DRAWN:
        return False
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def test_exactly_the_characters_that_unicode_calls_so_are_escaped() -> None:
    every = map(chr, range(sys.maxunicode + 1))
    assigned = [it for it in every if unicodedata.category(it) != "Cn"]
    assert [it for it in assigned if is_dangerous(it) != (printable(it) != it)] == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zoë 🐦 さくら", "Zoë 🐦 さくら"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("a\tb\r\n", r"a\tb\r\n"),
        ("\x1b[2J\x9b31m\x7f", r"\x1b[2J\x9b31m\x7f"),
        ("gpj.\u202eecnalg", r"gpj.\u202eecnalg"),
        ("\ufeffRo\xadbin\u2028", r"\ufeffRo\xadbin\u2028"),
        ("Robin\U000e0041", r"Robin\U000e0041"),
        ("caf\udce9", r"caf\udce9"),
    ],
)  # fmt: skip
def test_what_cannot_be_printed_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize("text", ["Zoë", "a\tb\x1b\x9b\u202e\ufeff", "\U000e0041\ud800", '"\\'])
def test_json_keeps_its_value(text: str) -> None:
    escaped = printable_json(json.dumps({text: text}, ensure_ascii=False))
    assert json.loads(escaped) == {text: text}
    assert printable(escaped) == escaped


@pytest.mark.parametrize("text", ["", " ", "a\tb", "\x1b\x9b\u202e", "\ufffe\uffff\U0010ffff"])
def test_what_both_databases_can_hold_is_kept(text: str) -> None:
    assert is_storable(text)


@pytest.mark.parametrize("text", ["\0", "a\0b", "ü\0", "\ud800", "a\udfffb"])
def test_what_no_database_can_hold_is_not(text: str) -> None:
    assert not is_storable(text)

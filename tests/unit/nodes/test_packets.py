"""A rejected packet made readable: whatever is in it, nothing deceives and nothing is lost."""

import os

import pytest

from birdwatcher.nodes.packets import as_hex, as_text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", ""),
        (b'{"name": "Al"}', '{"name": "Al"}'),
        ("Bécassine 🐦".encode(), "Bécassine 🐦"),
        (b"\x00\x1b[31m\r\n\t\x7f", r"\x00\x1b[31m\r\n\t\x7f"),
        (b"a\xffb\xc3", r"a\xffb\xc3"),  # the last one was cut off in the middle
        (b"\xed\xa0\x80", r"\xed\xa0\x80"),  # a lone surrogate, as some encode it
        ("a\u202eb\u200bc\u2028".encode(), r"a\u202eb\u200bc\u2028"),
        (rb"C:\x00", r"C:\\x00"),
        (b"<script>", "<script>"),  # escaping HTML is the page's part
    ],
)
def test_text_shows_what_cannot_be_printed(raw: bytes, text: str) -> None:
    assert as_text(raw) == text
    assert text.isprintable()


def test_a_hex_dump_has_offsets_bytes_and_ascii() -> None:
    assert as_hex(b"") == ""
    assert as_hex(b'{"name": "Al"}\x00\xff<b>').split("\n") == [
        '0000  7b 22 6e 61 6d 65 22 3a 20 22 41 6c 22 7d 00 ff  {"name": "Al"}..',
        "0010  3c 62 3e                                         <b>",
    ]


def test_a_hex_dump_holds_every_byte() -> None:
    raw = os.urandom(250) + bytes(range(256))
    lines = as_hex(raw).split("\n")
    assert b"".join(bytes.fromhex(line[6:53]) for line in lines) == raw
    assert all(line.isascii() and line.isprintable() for line in lines)

"""Every file of the corpus, in several partitions into reads, does what its name says.

A file holds what one connection brings. `not-json--single-quotes` is a stream in which a packet is
not JSON, because of its quotes: what stands before the two dashes is what becomes of (at least) one
of its packets. `found-…` was put there by `make fuzz`, and shows what is yet to be repaired.
"""

from pathlib import Path

import pytest

from nodeproc.wire.reasons import Reason
from tests.fuzz.oracle import LIMIT, Verdict, check_packet, check_reads, cut, packets_in
from tests.fuzz.search import CORPUS

FILES = sorted(CORPUS.iterdir())
LARGEST_CORPUS = 100 * 1024  # bytes: it stays small
VERDICTS: dict[str, Verdict] = {
    "event": None,
    **{reason.name.lower().replace("_", "-"): reason for reason in Reason},
}
# What no bytes alone bring about.
NOT_OF_BYTES = {
    Reason.STALLED,
    Reason.KILLED_PROCESS,
    Reason.REFUSED_BY_DATABASE,
    Reason.NEW_SPECIES,
}


def promised(path: Path) -> Verdict:
    """Return what the name says."""
    return VERDICTS[path.name.partition("--")[0]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_file_does_what_its_name_says(path: Path) -> None:
    stream = path.read_bytes()
    for packet in packets_in(stream, LIMIT)[0]:
        check_packet(packet)
    for sizes in ([len(stream)], [7], [3, 1, 400], [1] if len(stream) < 1000 else [999]):
        verdicts = check_reads(cut(stream, sizes))
        if "--" in path.name:
            assert promised(path) in verdicts


def test_corpus_shows_an_event_and_every_reason() -> None:
    shown = {promised(path) for path in FILES if "--" in path.name}
    assert {None, *Reason} - NOT_OF_BYTES == shown


def test_corpus_is_small() -> None:
    assert sum(path.stat().st_size for path in FILES) < LARGEST_CORPUS

"""What the coverage-guided search runs; its arguments are libFuzzer's. Started by `search`."""

import random
import sys
import zlib

import atheris

from birdwatcher.simulator.events import EventSource
from tests.support.packets import framed

atheris.enabled_hooks.add("str")  # what `startswith` and its like compare with is a hint as well
# What is imported here is instrumented: the code under test, and not what judges it.
with atheris.instrument_imports(include=["nodeproc"]):
    from tests.fuzz import generator, oracle

READS = (1, 2, 3, 5, 40, 9999)  # bytes


def check(data: bytes) -> None:
    """Check `data` as the content of a packet, and as what a connection brings."""
    oracle.check_packet(data)
    sizes = random.Random(zlib.crc32(data)).choices(READS, k=4)  # noqa: S311
    oracle.check_reads(oracle.cut(data, sizes))


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Return another `data`: mostly one that keeps the framing whole, often one of valid JSON.

    Left to itself, the search drowns in packets that are no JSON: they end at the first check.
    """
    rng = random.Random(seed)  # noqa: S311
    if rng.random() < 0.3:
        return atheris.Mutate(data, max_size)
    packets = oracle.packets_in(data, oracle.LIMIT)[0] or [b"{}"]
    chosen = rng.randrange(len(packets))
    packets[chosen] = _another(rng, packets[chosen])
    return framed(packets)[:max_size]


def _another(rng: random.Random, packet: bytes) -> bytes:
    if rng.random() < 0.3:
        return generator.mutated(rng, packet, accidents=1)
    try:
        return generator.rewritten(rng, packet)
    except (ValueError, RecursionError):
        return generator.rewritten(rng, EventSource(rng).next().payload())


if __name__ == "__main__":
    atheris.Setup(sys.argv, check, custom_mutator=mutate)
    atheris.Fuzz()

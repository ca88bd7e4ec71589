"""`python -m tests.fuzz.million`: so many generated packets without one uncaught exception."""

import argparse
import secrets
import time
from collections import Counter

from tests.fuzz.generator import streams
from tests.fuzz.oracle import LIMIT, Verdict, check_packet, check_reads, packets_in

MILLION = 1_000_000
SHOWN = 2_000  # bytes of a failure, which may be long


def check_generated(packets: int, seed: int) -> Counter[Verdict]:
    """Check at least so many generated packets; return how many ended how.

    Raises AssertionError, which tells how to see it again, at the first that is not as it must be.
    """
    verdicts: Counter[Verdict] = Counter()
    for number, reads in enumerate(streams(seed)):
        try:
            verdicts.update(check_reads(reads))
        except Exception as error:
            where = f"seed {seed}, stream {number}"
            raise AssertionError(f"{where}: {error!r}\n{culprit(reads)}") from error
        if verdicts.total() >= packets:
            break
    return verdicts


def culprit(reads: list[bytes]) -> str:
    """Return the first packet that fails by itself; else it takes the whole stream to fail."""
    stream = b"".join(reads)
    for packet in packets_in(stream, LIMIT)[0]:
        try:
            check_packet(packet)
        except Exception:
            return f"packet = {packet[:SHOWN]!r}"
    return f"no packet alone, but {len(reads)} reads: {stream[:SHOWN]!r}"


def main() -> None:
    """Generate, check, and print what became of the packets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packets", type=int, default=MILLION)
    parser.add_argument("--seed", type=int, help="repeats a run; drawn and printed without")
    options = parser.parse_args()
    seed = secrets.randbits(32) if options.seed is None else options.seed
    began = time.monotonic()
    verdicts = check_generated(options.packets, seed)
    seconds = time.monotonic() - began
    print(f"{verdicts.total()} packets in {seconds:.0f} s, seed {seed}: no exception")  # noqa: T201
    for verdict, count in verdicts.most_common():
        print(f"{count:9}  {verdict or 'a valid event'}")  # noqa: T201


if __name__ == "__main__":
    main()

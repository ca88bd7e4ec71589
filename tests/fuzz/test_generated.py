"""A hundred thousand generated packets; `make fuzz` does the million."""

from tests.fuzz.million import check_generated

PACKETS = 100_000
SEED = 20260501


def test_generated_packets_end_as_events_or_with_reasons() -> None:
    verdicts = check_generated(PACKETS, SEED)
    assert verdicts.total() >= PACKETS
    # Were hardly any of them valid, or all, it would show nothing.
    assert PACKETS * 0.1 < verdicts[None] < PACKETS * 0.5
    assert all(count > 10 for count in verdicts.values())
    assert len(verdicts) >= 15

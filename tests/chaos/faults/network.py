"""Connections that are reset, closed, stalled or cut, and nodes that are away for a while."""

from tests.chaos.faults.fault import Fault
from tests.chaos.site import Site

SOME = 5  # nodes at most
STALLED = (0.3, 1.5)  # seconds
REFUSING = (0.2, 2.0)
VANISHED = (0.5, 3.0)  # TCP makes up for it
VANISHED_FOR_LONG = (30.0, 36.0)  # longer than it takes to notice


def reset(site: Site) -> None:
    """With a RST, at any byte."""
    for detector in site.any_detectors(SOME):
        site.load.call(detector.reset)


def close(site: Site) -> None:
    """In good order, at any byte; what was sent before arrives."""
    for detector in site.any_detectors(SOME):
        site.load.call(detector.finish)


def stall(site: Site) -> None:
    """In the middle of a packet."""
    seconds = site.random.uniform(*STALLED)
    for detector in site.any_detectors(SOME):
        site.load.call(lambda: detector.stall(seconds))  # noqa: B023
    site.pause(seconds, seconds)


def refuse(site: Site) -> None:
    """They reset what is up and listen no more."""
    gone = site.any_detectors(SOME)
    for detector in gone:
        site.load.call(detector.refuse)
        site.load.call(detector.reset)
    try:
        site.pause(*REFUSING)
    finally:
        for detector in gone:
            site.load.call(detector.listen)


def vanish(site: Site) -> None:
    """Packets are dropped, nobody is told, and then it is over."""
    _unplugged(site, VANISHED)


def vanish_for_long(site: Site) -> None:
    """The daemon gives them up, and connects again."""
    _unplugged(site, VANISHED_FOR_LONG)


def _unplugged(site: Site, seconds: tuple[float, float]) -> None:
    assert site.means.namespace is not None
    site.means.namespace.unplug()
    try:
        site.pause(*seconds)
    finally:
        site.means.namespace.plug()


def lacks_namespace(site: Site) -> str | None:
    """Whether no node stands in a network of its own."""
    return None if site.means.namespace else "no network namespace can be made here"


FAULTS = (
    Fault("connections reset", reset),
    Fault("connections closed", close),
    Fault("packets stalled half-way", stall),
    Fault("nodes refuse", refuse),
    Fault("nodes vanish", vanish, lacks_namespace),
)
LONG_FAULTS = (Fault("nodes vanish for half a minute", vanish_for_long, lacks_namespace),)

"""Nodes that are edited while they send."""

from birdwatcher.nodes.models import Node
from tests.chaos.faults.fault import Fault
from tests.chaos.site import Site

SOME = 4  # nodes at most
DISABLED = (0.2, 2.0)  # seconds


def move(site: Site) -> None:
    """To the other port of the same node."""
    for detector in site.any_detectors(SOME):
        (port,) = Node.objects.filter(pk=detector.row).values_list("port", flat=True)
        (other,) = set(detector.ports) - {port}
        site.edit(detector, port=other)


def disable(site: Site) -> None:
    """And enable them again, perhaps before their processes have ended."""
    disabled = site.any_detectors(SOME)
    for detector in disabled:
        site.edit(detector, enabled=False)
    site.pause(*DISABLED)
    for detector in disabled:
        site.edit(detector, enabled=True)


def rename(site: Site) -> None:
    """A name is nothing that a connection depends on."""
    for detector in site.any_detectors(SOME):
        site.edit(detector, name=f"Würgerhöhe {detector.number}, {site.random.randint(1, 999)}")


FAULTS = (
    Fault("nodes moved", move),
    Fault("nodes disabled and enabled", disable),
    Fault("nodes renamed", rename),
)

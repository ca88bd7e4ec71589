"""How much the node processes may hold in memory, given the room kept for it on the disk."""

import dataclasses

from nodeproc.limits import NodeLimits

LEAST = 64 * 1024  # bytes that a process may hold in any case
ROUNDED = 64 * 1024  # bytes, so that a node more or less seldom changes anything
# A process may go beyond its bound by one read, which is not larger than the bound.
TWICE = 2


def wanted(limits: NodeLimits, nodes: int) -> int:
    """Return the bytes that should be kept on the disk for this many nodes."""
    return min(limits.spool_reserve_bytes, nodes * TWICE * limits.retained_bytes)


def shared(limits: NodeLimits, nodes: int, reserve: int) -> NodeLimits:
    """Return the limits with which all that `nodes` processes hold has room in the reserve."""
    if not (nodes and limits.spool_reserve_bytes):
        return limits
    share = reserve // (TWICE * nodes) // ROUNDED * ROUNDED
    retained = min(limits.retained_bytes, max(share, LEAST))
    return dataclasses.replace(limits, retained_bytes=retained)

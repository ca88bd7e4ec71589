"""What can go wrong, one function each: it breaks something and repairs it before it returns.

What the daemon makes of it goes on behind that: the next fault may find it still recovering.
"""

from tests.chaos.faults import combined, databases, edits, network, processes
from tests.chaos.faults.fault import Fault

FAULTS: tuple[Fault, ...] = (
    *processes.FAULTS,
    *databases.FAULTS,
    *combined.FAULTS,
    *network.FAULTS,
    *edits.FAULTS,
)

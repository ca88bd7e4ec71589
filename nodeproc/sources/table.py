"""Which source serves the devices of which subject."""

from collections.abc import Callable

from nodeproc.limits import NodeLimits
from nodeproc.numbers.node import NodeNumbers
from nodeproc.sources.source import Source, SourceOwner
from nodeproc.sources.tcp.guard import Guard
from nodeproc.sources.tcp.source import TcpSource
from nodeproc.wire.messages import NodeSpec
from nodeproc.wire.subjects import Subject

# Makes the source of one device, which counts in the numbers and reports to its owner. After a
# crash, the guard parses the device's packets.
MakeSource = Callable[[NodeSpec, NodeLimits, NodeNumbers, Guard | None, SourceOwner], Source]

SOURCES: dict[int, MakeSource] = {Subject.NODES: TcpSource}

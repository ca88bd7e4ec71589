"""Which source serves the devices of which subject."""

from nodeproc.sources.source import SourceFactory
from nodeproc.sources.tcp.source import TcpSource
from nodeproc.wire.subjects import Subject

SOURCES: dict[int, SourceFactory] = {Subject.NODES: TcpSource}

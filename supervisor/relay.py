"""What passes between the node processes and the writer: events up, acknowledgements down."""

import contextlib

from nodeproc.states import NodeState
from nodeproc.wire.frames import Frame, Kind, UndecodableError, pack
from nodeproc.wire.messages import Ack
from nodeproc.wire.subjects import Subject
from supervisor.children import Child
from supervisor.node import Node
from supervisor.protocols import FleetOwner, ToWriter
from supervisor.roster import Roster
from supervisor.writer_link import FIRST_GENERATION


class Relay:
    """Hands on frames without opening them, but for the state of a node."""

    def __init__(self, roster: Roster, writer: ToWriter, owner: FleetOwner) -> None:
        self._roster = roster
        self._writer = writer
        self._owner = owner
        self._paused = False
        self._lingering: list[Child] = []  # dead, with something left in their pipes
        self.generation = FIRST_GENERATION  # of the writer

    def from_node(self, node: Node, frame: Frame) -> None:
        """Hand on what a node's process sends."""
        if frame.kind == Kind.STATUS:
            # What an older program spooled may say anything; the writer deals with that.
            with contextlib.suppress(UndecodableError, ValueError):
                node.state = NodeState(frame.value().state)
            self._owner.situation_changed()
        self._writer.send(frame.raw)

    def node_down(self, node: Node) -> None:
        """Tell the writer about a node that has no process to tell it."""
        self._writer.send(pack(Kind.NODE_DOWN, node.down, origin=node.spec.origin))
        self._owner.situation_changed()

    def acknowledge(self, acks: list[Ack]) -> None:
        """Pass acknowledgements down to the processes that they are for."""
        for subject, number, stream, sequence in acks:
            if subject == Subject.NODES and (node := self._roster.get(number)):
                origin = node.spec.origin
                node.tell(pack(Kind.ACKED, origin=origin, stream=stream, sequence=sequence))

    def resend(self, generation: int) -> None:
        """There is a new writer: have it told everything that is not in the database."""
        self.generation = generation
        for node in self._roster:
            if node.down:
                self._writer.send(pack(Kind.NODE_DOWN, node.down, origin=node.spec.origin))
            node.tell(pack(Kind.RESEND, generation))

    # Backpressure

    def pause(self) -> None:
        """Take nothing from the node processes."""
        self._paused = True
        for node in self._roster:
            if node.child:
                node.child.channel.pause_reading()

    def resume(self) -> None:
        """Take from the node processes again."""
        self._paused = False
        for node in self._roster:
            if node.child:
                node.child.channel.resume_reading()
        for child in self._lingering:
            child.channel.resume_reading()
        self._lingering = [child for child in self._lingering if not child.is_drained]

    def begin(self, child: Child) -> None:
        """There is one more process to take from."""
        if self._paused:
            child.channel.pause_reading()

    def end(self, child: Child) -> None:
        """This process has ended; what is left in its pipe is taken when there is room."""
        if not child.is_drained:
            self._lingering.append(child)

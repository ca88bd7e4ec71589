"""The relay between node processes and writer: events up, acknowledgements down."""

import contextlib
from collections.abc import Container

from nodeproc.states import NodeState
from nodeproc.wire.frames import Frame, Kind, UndecodableError, pack
from nodeproc.wire.messages import Ack, Through
from nodeproc.wire.subjects import Subject
from supervisor.children import Child
from supervisor.node import Node
from supervisor.protocols import FleetOwner, ToWriter
from supervisor.roster import Roster
from supervisor.windows import Windows
from supervisor.writer_link import FIRST_GENERATION


class Relay:
    """Passes frames on without opening them, except for the state of a node."""

    def __init__(self, roster: Roster, writer: ToWriter, owner: FleetOwner) -> None:
        self._roster = roster
        self._writer = writer
        self._owner = owner
        self._paused = False
        self._windows = Windows()
        self._lingering: list[Child] = []  # dead, with something left in their pipes
        self.generation = FIRST_GENERATION  # of the writer
        self._stuck: set[int] = set()  # nodes of which nothing is committed until a RESEND

    def from_node(self, node: Node, frame: Frame) -> None:
        """Pass on a frame from a node's process, and note its state."""
        if frame.kind == Kind.STATUS:
            # An older program may have spooled anything; the writer deals with that.
            with contextlib.suppress(UndecodableError, ValueError):
                node.state = NodeState(frame.value().state)
            self._owner.situation_changed()
        self._writer.send(frame.raw)
        if self._windows.sent(node.spec.id, len(frame.raw)) and node.child:
            node.child.channel.pause_reading()

    def node_down(self, node: Node) -> None:
        """Report a node to the writer that has no process to do so."""
        self._writer.send(pack(Kind.NODE_DOWN, node.down, origin=node.spec.origin))
        self._owner.situation_changed()

    def acknowledge(self, acks: list[Ack]) -> None:
        """Pass acknowledgements down to the processes that they are for."""
        for subject, number, stream, sequence in acks:
            if subject == Subject.NODES and (node := self._roster.get(number)):
                origin = node.spec.origin
                node.send(pack(Kind.ACKED, origin=origin, stream=stream, sequence=sequence))

    def resend(self, generation: int) -> None:
        """Have everything that is not in the database sent to a new writer."""
        self.generation = generation
        self._windows.clear()
        if not self._paused:
            self.resume()
        for node in self._roster:
            if node.down:
                self._writer.send(pack(Kind.NODE_DOWN, node.down, origin=node.spec.origin))
            node.send(pack(Kind.RESEND, generation))

    # Nodes without a row, of which nothing can be committed

    def rows_missing(self, origins: list[tuple[int, int]]) -> None:
        """Let these devices' processes know that they have no row."""
        for subject, number in origins:
            if subject == Subject.NODES and (node := self._roster.get(number)):
                self._stuck.add(number)
                node.send(pack(Kind.NODE_GONE))

    def rows_known(self, rows: Container[int]) -> None:
        """Have sent what was not committed, from those of these nodes that had no row before."""
        for number in [it for it in self._stuck if it in rows]:
            self._stuck.discard(number)
            if node := self._roster.get(number):
                node.send(pack(Kind.RESEND, self.generation))

    # Backpressure

    def through(self, reports: list[Through]) -> None:
        """Take from nodes again that were held back alone: the writer is through with enough."""
        for number in self._windows.through(reports):
            node = self._roster.get(number)
            if node and node.child and not self._paused:
                node.child.channel.resume_reading()

    def pause(self) -> None:
        """Take nothing from the node processes."""
        self._paused = True
        for node in self._roster:
            if node.child:
                node.child.channel.pause_reading()

    def resume(self) -> None:
        """Take from the node processes again, but for nodes that are held back alone."""
        self._paused = False
        for node in self._roster:
            if node.child and not self._windows.is_full(node.spec.id):
                node.child.channel.resume_reading()
        for child in self._lingering:
            child.channel.resume_reading()
        self._lingering = [child for child in self._lingering if not child.is_drained]

    def begin(self, child: Child) -> None:
        """Include one more process."""
        if self._paused:
            child.channel.pause_reading()

    def end(self, child: Child) -> None:
        """Take what a dead process left in its pipe when there is room."""
        if not child.is_drained:
            self._lingering.append(child)
            if not self._paused:  # but its node may have been held back
                child.channel.resume_reading()

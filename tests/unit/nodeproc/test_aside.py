"""What is set aside: named so that it can be found, and kept within bounds."""

import time
from pathlib import Path

from nodeproc.delivery.adoption import adopt
from nodeproc.delivery.aside import DAY, Aside, Why, listed, set_aside, too_many
from nodeproc.delivery.directory import spooled
from nodeproc.delivery.outbox import Outbox
from nodeproc.delivery.spool import Spool
from nodeproc.delivery.spoolfile import spool_path
from nodeproc.limits import NodeLimits
from nodeproc.wire.frames import Frame, FrameReader, Kind
from nodeproc.wire.messages import Batch, NodeSpec

NODE = NodeSpec(7, "Dartmoor", "10.0.3.2", 9999)


def spool(directory: Path, node: NodeSpec, *numbers: int) -> Outbox:
    """Have a process of the node spool batches with these numbers."""
    outbox = taken_up(directory, node)
    for number in numbers:
        outbox.append(Kind.BATCH, Batch(float(number), [(0, "Robin", "Bob")], [], 0))
    outbox.spool(force=True)
    return outbox


def taken_up(directory: Path, node: NodeSpec) -> Outbox:
    """Return what the node's next process begins with."""
    outbox = Outbox(node.origin, Spool(directory, node.origin, NodeLimits(), node.identity))
    outbox.take_up()
    return outbox


def sent(outbox: Outbox) -> list[Frame]:
    raw = b"".join(iter(outbox.take, None))
    return [frame for frame in FrameReader().feed(raw) if frame.kind != Kind.RESUME]


def put_aside(directory: Path, node: NodeSpec) -> str:
    return set_aside(spool_path(directory, node.origin), node.origin, Why.GONE)


def test_a_file_that_was_set_aside_is_found_by_its_name(tmp_path: Path) -> None:
    spool(tmp_path, NODE, 1)
    (tmp_path / "nodes-7.gone-x").touch()
    (tmp_path / "notes.gone-1").touch()
    name = put_aside(tmp_path, NODE)
    ((at, found, origin, why, size),) = listed(tmp_path)
    assert (found, origin, why) == (name, NODE.origin, Why.GONE)
    assert abs(time.time() - at) < 60
    assert size >= (tmp_path / name).stat().st_size
    assert spooled(tmp_path) == []


def test_a_node_that_is_back_takes_up_all_that_is_its_own_in_order(tmp_path: Path) -> None:
    renamed = NODE._replace(name="Dartmoor 2")
    first = spool(tmp_path, NODE, 1, 2)
    names = [put_aside(tmp_path, NODE)]
    spool(tmp_path, renamed, 3)
    names.append(put_aside(tmp_path, NODE))
    spool(tmp_path, renamed, 4, 5)
    adopt(tmp_path, renamed, [*names, "nodes-7.gone-1"])
    frames = sent(taken_up(tmp_path, renamed))
    assert [frame.received_at for frame in frames] == [1, 2, 3, 4, 5]
    assert frames[0].stream == first.stream
    assert listed(tmp_path) == []


def test_another_node_with_its_id_takes_up_nothing(tmp_path: Path) -> None:
    other = NodeSpec(7, "Exmoor", "10.0.3.3", 9999)
    spool(tmp_path, NODE, 1)
    name = put_aside(tmp_path, NODE)
    adopt(tmp_path, other, [name])
    assert sent(taken_up(tmp_path, other)) == []
    (tmp_path / name).rename(spool_path(tmp_path, NODE.origin))
    assert sent(taken_up(tmp_path, other)) == []
    assert [it.why for it in listed(tmp_path)] == [Why.GONE]


def test_a_node_that_was_moved_and_renamed_while_it_spooled_is_the_same(tmp_path: Path) -> None:
    outbox = spool(tmp_path, NODE, 1)
    moved = NodeSpec(7, "Exmoor", "10.0.3.3", 9999)
    outbox.belongs_to(moved.identity)
    assert [frame.received_at for frame in sent(taken_up(tmp_path, moved))] == [1]


def test_what_is_old_or_too_much_is_removed_oldest_first() -> None:
    def file(days: float, why: Why, size: int = 10) -> Aside:
        return Aside(time.time() - days * DAY, f"{days}", NODE.origin, why, size)

    old, damaged, second, newest = (
        file(8, Why.GONE), file(7.5, Why.DAMAGED), file(2, Why.GONE), file(1, Why.GONE),
    )  # fmt: skip
    files = [old, damaged, second, newest]
    assert [it for it, _ in too_many(files, NodeLimits())] == [old]
    assert [it for it, _ in too_many(files, NodeLimits(aside_bytes=15))] == [old, damaged, second]
    assert [it for it, _ in too_many([file(91, Why.DAMAGED)], NodeLimits())]

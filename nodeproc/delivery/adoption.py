"""A node that comes back takes up the spools that were set aside while it had no row."""

import logging
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from nodeproc.delivery.spool_v1 import MAGIC_V1, UNFINISHED, path_v1
from nodeproc.delivery.spoolfile import MAGIC, SpoolReader, create, identity, spool_path
from nodeproc.wire.frames import Kind
from nodeproc.wire.messages import Identity, NodeSpec
from nodeproc.wire.subjects import Origin

log = logging.getLogger("birdwatcher.node")


def adopt(directory: Path, node: NodeSpec, names: Iterable[str]) -> None:
    """Put these files before the node's spool, if they are its own.

    A spool that does not say whose it is, as that of an older program, is that of the node with its
    id. Raises OSError; what is not adopted by then is as it was.
    """
    for name in sorted(names, reverse=True):  # the newest first: each goes before what is there
        path = directory / name
        try:
            with path.open("rb") as file:
                magic = file.read(len(MAGIC))
                owner, sound = _look_into(file, node.origin)
        except FileNotFoundError:
            continue
        if owner and not owner.is_same(node.identity):
            log.warning("%s is the spool of another node, %s, and stays set aside", path, owner)
            continue
        if magic == MAGIC:
            _put_before(path, spool_path(directory, node.origin), sound)
        elif magic == MAGIC_V1 and not path_v1(directory, node.origin).exists():
            path.rename(path_v1(directory, node.origin))
        else:
            continue
        log.warning("%s was set aside while the node had no row; it is taken up again", name)


def _look_into(file: BinaryIO, origin: Origin) -> tuple[Identity | None, int]:
    """Return whose spool a file says it is, and up to which offset it is sound."""
    owner, sound = None, len(MAGIC)
    for frame, end in SpoolReader(file.fileno(), origin).all():
        sound = end
        if frame.kind == Kind.NODE:
            owner = identity(frame)
    return owner, sound


def _put_before(path: Path, spool: Path, sound: int) -> None:
    """Make one spool of the file `path`, up to the offset `sound`, and of the spool there is."""
    if not spool.exists():
        path.rename(spool)
        return
    unfinished = spool.with_name(spool.name + UNFINISHED)
    try:
        _join(path, spool, unfinished, sound)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    # A crash between these two leaves frames twice; the writer commits each of them once.
    unfinished.replace(spool)
    path.unlink()


def _join(path: Path, spool: Path, unfinished: Path, sound: int) -> None:
    with create(unfinished) as target, path.open("rb") as first, spool.open("rb") as second:
        shutil.copyfileobj(first, target)
        target.truncate(sound)
        target.seek(sound)
        second.seek(len(MAGIC))
        shutil.copyfileobj(second, target)
        target.flush()
        os.fsync(target.fileno())

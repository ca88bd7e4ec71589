"""What people would otherwise write: one process, asyncio, each event saved through the ORM.

`python -m tests.benchmarks.baselines.usual` connects to every enabled node and saves until it is
killed. It has no spool, no reconnection, no supervision. With `--remember` it asks for each species
but once, as a careful author would have it.
"""

import asyncio
import json
import struct
import sys
from datetime import datetime

import django

django.setup()

from birdwatcher.birds.models import Bird, Species  # noqa: E402 Django has to be set up before
from birdwatcher.nodes.models import Node  # noqa: E402

LENGTH = struct.Struct("<I")
REMEMBER = "--remember" in sys.argv


async def follow(node: Node, species: dict[str, Species]) -> None:
    """Save what one node sends, event by event."""
    reader, _ = await asyncio.open_connection(node.ip_address, node.port)
    while True:
        (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
        event = json.loads(await reader.readexactly(length))
        name = event["species"]
        if name not in species or not REMEMBER:
            species[name], _ = await Species.objects.aget_or_create(name=name)
        await Bird.objects.acreate(
            timestamp=datetime.fromisoformat(event["timestamp"]),
            name=event["name"],
            species=species[name],
            node=node,
        )


async def main() -> None:
    """Follow all nodes at once."""
    species: dict[str, Species] = {}
    nodes = [node async for node in Node.objects.filter(enabled=True)]
    await asyncio.gather(*(follow(node, species) for node in nodes))


if __name__ == "__main__":
    asyncio.run(main())

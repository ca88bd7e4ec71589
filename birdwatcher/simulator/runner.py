"""Runs simulated nodes until a signal stops them."""

import asyncio
import logging
import signal
from collections.abc import Callable, Sequence

from birdwatcher.simulator.node import SimulatedNode

log = logging.getLogger(__name__)


async def run(nodes: Sequence[SimulatedNode], announce: Callable[[str], None]) -> None:
    """Start all `nodes`, or none, and run them until SIGINT or SIGTERM.

    `announce` gets one line for each node as soon as all of them listen. Raises
    AddressUnavailableError if one of them cannot.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stopping.set)
    try:
        for node in nodes:
            await node.start()
        for node in nodes:
            announce(f"listening on {node.address}")
        await stopping.wait()
        log.info("stopping")
    finally:
        await asyncio.gather(*(node.stop() for node in nodes))

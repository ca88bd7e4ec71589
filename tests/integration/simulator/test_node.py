"""A simulated node and its clients, on real sockets."""

import asyncio
import contextlib
import struct
from collections.abc import Callable, Coroutine
from typing import TypeVar

import pytest

from birdwatcher.simulator.addresses import AddressUnavailableError
from birdwatcher.simulator.behaviour import Behaviour
from birdwatcher.simulator.events import BirdEvent
from birdwatcher.simulator.node import SimulatedNode
from nodeproc.sources.tcp.events import parse_event
from tests.support.ports import PortBlock

DEADLINE = 20.0
FAST = Behaviour(rate=0, numbered=True)

T = TypeVar("T")


def run(test: Coroutine[None, None, T]) -> T:
    return asyncio.run(asyncio.wait_for(test, DEADLINE))


async def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition`; the deadline is the whole test's."""
    while not condition():  # noqa: ASYNC110 there is no event to wait for
        await asyncio.sleep(0.005)


class Client:
    """Reads packets."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def event(self) -> tuple[str, str]:
        """Return the species and the name of the next bird."""
        (length,) = struct.unpack("<I", await self.reader.readexactly(4))
        return parse_event(await self.reader.readexactly(length))[1:]

    async def events(self, count: int) -> list[tuple[str, str]]:
        return [await self.event() for _ in range(count)]

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


async def connect(node: SimulatedNode) -> Client:
    return Client(*await asyncio.open_connection(node.host, node.port))


def told(events: list[BirdEvent]) -> list[tuple[str, str]]:
    return [(event.species, event.name) for event in events]


def test_every_client_gets_its_own_birds_and_the_books_balance() -> None:
    async def test() -> None:
        async with SimulatedNode(behaviour=Behaviour(rate=0, count=500), record=True) as node:
            clients = [await connect(node) for _ in range(3)]
            got = await asyncio.gather(*(client.events(500) for client in clients))
            assert [told(c.events) for c in node.connections] == got
            assert [c.sent for c in node.connections] == [500] * 3
            assert node.connected == 3
            for client in clients:
                await client.close()
            await until(lambda: node.connected == 0)
            assert len(node.events) == 1500

    run(test())


def test_a_seed_repeats_the_birds_of_each_client_in_turn() -> None:
    async def birds(seed: int) -> list[list[tuple[str, str]]]:
        async with SimulatedNode(behaviour=Behaviour(rate=0), seed=seed) as node:
            got = []
            for _ in range(2):
                client = await connect(node)
                got.append(await client.events(20))
                await client.close()
            return got

    first, again, other = run(birds(1)), run(birds(1)), run(birds(2))
    assert first == again
    assert first != other
    assert first[0] != first[1]


def test_a_client_that_does_not_read_costs_no_memory_and_stops_nobody() -> None:
    async def test() -> None:
        async with SimulatedNode(behaviour=FAST) as node:
            lazy = await connect(node)
            await until(lambda: node.connected == 1)
            (connection,) = node.connections
            busy = await connect(node)
            # Until TCP takes no more: nothing was sent to the lazy one while the other got plenty.
            before = -1
            while connection.sent != before:
                before = connection.sent
                await busy.events(2000)
            await lazy.close()
            await busy.close()

    run(test())


def test_drop_every_closes_after_whole_packets_and_takes_the_client_back() -> None:
    async def test() -> None:
        async with SimulatedNode(behaviour=Behaviour(rate=0, drop_every=7)) as node:
            for _ in range(3):
                client = await connect(node)
                await client.events(7)
                assert await client.reader.read() == b""
                await client.close()

    run(test())


def test_stall_leaves_half_a_packet_and_an_open_connection() -> None:
    async def test() -> None:
        async with SimulatedNode(behaviour=Behaviour(rate=0, stall=2)) as node:
            client = await connect(node)
            await client.events(2)
            (length,) = struct.unpack("<I", await client.reader.readexactly(4))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.reader.readexactly(length), 0.3)
            assert node.connected == 1
            # Silent as it is, it notices that the client has left.
            await client.close()
            await until(lambda: node.connected == 0)

    run(test())


def test_split_packets_arrive_whole() -> None:
    async def test() -> None:
        behaviour = Behaviour(rate=0, split=True, count=50)
        async with SimulatedNode(behaviour=behaviour, record=True) as node:
            client = await connect(node)
            assert await client.events(50) == told(node.events)
            await client.close()

    run(test())


def test_the_rate_is_kept() -> None:
    async def test() -> float:
        async with SimulatedNode(behaviour=Behaviour(rate=100)) as node:
            loop = asyncio.get_running_loop()
            started = loop.time()
            client = await connect(node)
            await client.events(50)
            await client.close()
            return loop.time() - started

    assert run(test()) >= 0.45


def test_stop_closes_every_connection_also_of_clients_that_do_not_read() -> None:
    async def test() -> None:
        node = SimulatedNode(behaviour=FAST)
        await node.start()
        clients = [await connect(node) for _ in range(5)]
        await until(lambda: node.connected == 5)
        await node.stop()
        assert node.connected == 0
        for client in clients:
            with contextlib.suppress(ConnectionError):
                while await client.reader.read(1 << 20):
                    pass
            client.writer.close()

    run(test())


def test_it_starts_again_on_its_port_and_behaves_otherwise(ports: PortBlock) -> None:
    async def test() -> None:
        node = SimulatedNode(port=ports.take(), behaviour=Behaviour(count=0))
        for count in range(3):
            node.behaviour = Behaviour(rate=0, count=count)
            async with node:
                client = await connect(node)
                await client.events(count)
                await until(lambda: node.connected == 1)
            assert await client.reader.read() == b""
            await client.close()

    run(test())


def test_drop_clients_goes_on_listening() -> None:
    async def test() -> None:
        async with SimulatedNode(behaviour=Behaviour(count=0)) as node:
            client = await connect(node)
            await until(lambda: node.connected == 1)
            await node.drop_clients()
            assert await client.reader.read() == b""
            await client.close()
            again = await connect(node)
            await until(lambda: node.connected == 1)
            await again.close()

    run(test())


@pytest.mark.usefixtures("ipv6")
def test_ipv6() -> None:
    async def test() -> None:
        async with SimulatedNode("::1", behaviour=FAST) as node:
            assert node.address == f"[::1]:{node.port}"
            client = await connect(node)
            await client.events(3)
            await client.close()

    run(test())


def test_a_port_in_use_is_one_sentence() -> None:
    async def test() -> None:
        async with SimulatedNode() as node:
            other = SimulatedNode(port=node.port)
            with pytest.raises(AddressUnavailableError, match=f"port {node.port} on 127.0.0.1 is"):
                await other.start()

    run(test())

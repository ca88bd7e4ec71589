"""A node behind a link that takes 1.5 s one way, as by satellite and a mobile network."""

import asyncio
from collections.abc import Iterator

import pytest

from nodeproc.limits import NodeLimits
from nodeproc.sources.tcp.connection import ConnectionEndedError, connect
from nodeproc.wire.messages import NodeSpec
from tests.support import requirements
from tests.support.slowlink import SlowLink

ONE_WAY = 1.5  # seconds; the handshake takes two ways
ONCE_THE_DEFAULT = 2.5


@pytest.fixture
def slow_link() -> Iterator[SlowLink]:
    try:
        link = SlowLink(ONE_WAY)
    except OSError as error:
        requirements.left_out("network namespaces", str(error))
    yield link
    link.remove()


async def attempt(spec: NodeSpec, seconds: float) -> str:
    try:
        (await connect(spec, seconds, lambda _: None)).abort("tested")
    except ConnectionEndedError as error:
        return str(error)
    return "connected"


def test_it_is_reached_within_the_default(slow_link: SlowLink) -> None:
    async def both(spec: NodeSpec) -> list[str]:
        within = (NodeLimits().connect_timeout, ONCE_THE_DEFAULT)
        return await asyncio.gather(*(attempt(spec, seconds) for seconds in within))

    with slow_link.make_socket() as listener:
        listener.bind((slow_link.host, 0))
        listener.listen()
        spec = NodeSpec(7, "Dartmoor", *listener.getsockname())
        assert asyncio.run(both(spec)) == ["connected", "no answer within 2.5 s"]

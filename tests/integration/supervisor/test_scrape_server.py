"""Whoever asks for metrics in whatever way is answered, or left, within bounds."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from supervisor.metrics import scrape
from supervisor.metrics.endpoint import Endpoint, listening
from supervisor.metrics.scrape import ScrapeServer
from tests.support.scrape import read_all

PAGE = b"birdwatcher_build_info 1.0\n" * 100_000
GET = b"GET /metrics HTTP/1.1\r\nHost: birds\r\n\r\n"

Talk = Callable[[Path], Awaitable[bytes]]


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[tuple[socket.socket, Path]]:
    path = tmp_path / "metrics.sock"
    with listening(Endpoint(path=path)) as listener:
        yield listener, path


async def make_page() -> bytes:
    return PAGE


async def make_no_page() -> bytes:
    raise RuntimeError("a bug")


def talk(
    listener: tuple[socket.socket, Path], talk: Talk, server: ScrapeServer | None = None
) -> bytes:
    """Run the server, and meanwhile `talk` to it; return what that returns."""

    async def both() -> bytes:
        serving = asyncio.create_task((server or ScrapeServer(make_page)).serve(listener[0]))
        async with asyncio.timeout(30):
            answer = await talk(listener[1])
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        return answer

    return asyncio.run(both())


def saying(*parts: bytes, end: bool = False) -> Talk:
    """Send `parts`, and return what is answered."""

    async def say(path: Path) -> bytes:
        reader, writer = await asyncio.open_unix_connection(path)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
            if end:
                writer.write_eof()
            return await reader.read(-1)
        finally:
            await close(writer)

    return say


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def test_the_page(listener: tuple[socket.socket, Path]) -> None:
    head, _, body = talk(listener, saying(GET)).partition(b"\r\n\r\n")
    assert body == PAGE
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 200 OK",
        b"Content-Type: text/plain; version=0.0.4; charset=utf-8",
        b"Content-Length: %d" % len(PAGE),
        b"Connection: close",
    ]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /metrics?name=x HTTP/1.0\r\n\r\n", b"200 OK"),
        (b"GET / HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"GET /metrics/ HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", b"405 Method Not Allowed"),
        (b"HEAD /metrics HTTP/1.1\r\n\r\n", b"405 Method Not Allowed"),
        (b"GET /metrics\r\n\r\n", b"400 Bad Request"),
        (b"\r\n\r\n", b"400 Bad Request"),
        (b"\x16\x03\x01\x02\x00\x01\xff\xfe\r\n\r\n", b"400 Bad Request"),
        (b"GET /metrics HTTP/2\r\n\r\n", b"400 Bad Request"),
    ],
)
def test_requests(listener: tuple[socket.socket, Path], request_: bytes, status: bytes) -> None:
    answer = talk(listener, saying(request_))
    assert answer.startswith(b"HTTP/1.1 " + status + b"\r\n")


def test_a_request_that_breaks_off(listener: tuple[socket.socket, Path]) -> None:
    answer = talk(listener, saying(b"GET /metr", end=True))
    assert b"400 Bad Request: the request is not complete" in answer


def test_a_request_that_never_ends(listener: tuple[socket.socket, Path]) -> None:
    answer = talk(listener, saying(b"GET /metrics HTTP/1.1\r\nX: " + b"x" * scrape.HEAD_BYTES))
    assert b"400 Bad Request: the request is longer than 8192 bytes" in answer


def test_a_request_that_does_not_come(
    listener: tuple[socket.socket, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrape, "HEAD_SECONDS", 0.05)
    assert b"400 Bad Request: the request took longer" in talk(listener, saying(b"GET "))


def test_a_reader_that_does_not_read(
    listener: tuple[socket.socket, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is cut off in the middle of the page, which no buffer takes whole."""
    monkeypatch.setattr(scrape, "ANSWER_SECONDS", 2.0 - scrape.HEAD_SECONDS)
    server = ScrapeServer(make_page)

    async def dawdle(path: Path) -> bytes:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(GET)
            while not server._talks:  # noqa: ASYNC110 it tells nobody
                await asyncio.sleep(0)
            while server._talks:  # noqa: ASYNC110
                await asyncio.sleep(0)
            return await asyncio.to_thread(read_all, client)

    assert 0 < len(talk(listener, dawdle, server)) < len(PAGE)


def test_too_many_at_a_time(listener: tuple[socket.socket, Path]) -> None:
    async def crowd(path: Path) -> bytes:
        idle = [await asyncio.open_unix_connection(path) for _ in range(scrape.MAX_CONNECTIONS)]
        refused = await saying(GET)(path)
        for _, writer in idle:
            await close(writer)
        while b"200 OK" not in (answer := await saying(GET)(path)):
            assert b"503" in answer
        return refused

    answer = talk(listener, crowd)
    assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"too many connections" in answer


def test_far_too_many_at_a_time(listener: tuple[socket.socket, Path]) -> None:
    async def crowd(path: Path) -> bytes:
        most = scrape.MAX_CONNECTIONS + scrape.MAX_REFUSED
        idle = [await asyncio.open_unix_connection(path) for _ in range(most)]
        reader, writer = await asyncio.open_unix_connection(path)
        answer = await reader.read(-1)
        for each in (writer, *(writer for _, writer in idle)):
            await close(each)
        return answer

    assert talk(listener, crowd) == b""


def test_a_page_that_cannot_be_made(
    listener: tuple[socket.socket, Path], caplog: pytest.LogCaptureFixture
) -> None:
    answer = talk(listener, saying(GET), ScrapeServer(make_no_page))
    assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"a bug" not in answer
    assert "a bug" in caplog.text

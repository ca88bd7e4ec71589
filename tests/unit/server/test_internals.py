"""What the server uses of gunicorn, uvicorn, asgiref and Django beside their documented interface.

If one of these fails after an upgrade, read the module that it names before anything else.
"""

import asyncio
import inspect

import pytest
import uvicorn
from asgiref.sync import ThreadSensitiveContext
from django.core.handlers.asgi import ASGIHandler
from gunicorn import glogging, systemd
from gunicorn.arbiter import Arbiter
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn_worker import UvicornWorker


@pytest.fixture
def server() -> uvicorn.Server:
    """A server that does not serve."""
    return uvicorn.Server(uvicorn.Config(lambda: None, http="h11", ws="websockets-sansio"))


def test_stalled_sees_what_uvicorn_waits_for(server: uvicorn.Server) -> None:
    server.config.load()
    assert server.config.http_protocol_class is H11Protocol
    assert server.config.ws_protocol_class is WebSocketsSansIOProtocol
    loop = asyncio.new_event_loop()
    try:
        for protocol in (H11Protocol, WebSocketsSansIOProtocol):
            connection = protocol(server.config, server.server_state, {}, loop)
            assert "transport" in vars(connection)
            assert connection.connections is server.server_state.connections
        http = H11Protocol(server.config, server.server_state, {}, loop)
        assert (http.cycle, http.timeout_keep_alive_task) == (None, None)
    finally:
        loop.close()
    assert "self.response_complete = False" in inspect.getsource(RequestResponseCycle)


def test_the_worker_ends_uvicorn_in_its_own_way(server: uvicorn.Server) -> None:
    assert (server.should_exit, server.force_exit) == (False, False)
    assert callable(server.handle_exit)
    assert inspect.iscoroutinefunction(server.shutdown)
    assert "self.shutdown(sockets=sockets)" in inspect.getsource(uvicorn.Server._serve)
    assert "self.servers" in inspect.getsource(uvicorn.Server.startup)
    for name in ("_serve", "callback_notify", "init_signals", "notify"):
        assert callable(getattr(UvicornWorker, name)), name
    run = inspect.getsource(UvicornWorker.run)
    assert "self._serve()" in run


def test_the_master_is_gunicorns() -> None:
    for name in ("spawn_worker", "handle_hup", "kill_workers"):
        assert callable(getattr(Arbiter, name)), name
    assert Arbiter.LISTENERS == []
    assert systemd.SD_LISTEN_FDS_START == 3
    assert callable(systemd.sd_notify)
    assert "self.error_log.propagate = False" in inspect.getsource(glogging.Logger)


def test_the_handler_answers_in_one_thread() -> None:
    assert "executor" in inspect.signature(ThreadSensitiveContext).parameters
    assert inspect.iscoroutinefunction(ASGIHandler.get_response_async)
    assert "is_async" in inspect.signature(ASGIHandler.load_middleware).parameters
    assert "self.get_response_async(request)" in inspect.getsource(ASGIHandler.run_get_response)

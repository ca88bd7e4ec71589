"""Where metrics may be served, and what is left there."""

import socket
import stat
from pathlib import Path

import pytest

from supervisor.metrics.endpoint import Endpoint, EndpointError, listening, parse_endpoint
from tests.support.ports import PortBlock


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("127.0.0.1:9750", Endpoint("127.0.0.1", 9750)),
        ("127.8.8.8:1", Endpoint("127.8.8.8", 1)),
        ("[::1]:65535", Endpoint("::1", 65535)),
        ("unix:/run/birdwatcher/m.sock", Endpoint(path=Path("/run/birdwatcher/m.sock"))),
    ],
)
def test_addresses_of_this_machine_are_taken(text: str, endpoint: Endpoint) -> None:
    assert parse_endpoint(text) == endpoint
    assert str(endpoint) == text


@pytest.mark.parametrize(
    "text",
    [
        "9750",
        ":9750",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:٩",
        "0.0.0.0:9750",
        "10.0.3.2:9750",
        "[::]:9750",
        "::1:9750",
        "localhost:9750",
        "unix:",
        "unix:metrics.sock",
        "unix:/" + 107 * "x",
    ],
)
def test_every_other_address_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match=r"127\.0\.0\.1:9750, .* or unix:/path"):
        parse_endpoint(text)


def test_a_socket_file_is_for_the_group_and_gone_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "metrics.sock"
    with listening(Endpoint(path=path)), socket.socket(socket.AF_UNIX) as client:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        client.connect(str(path))
    assert not path.exists()


def test_a_dead_daemon_s_socket_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "metrics.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    with listening(Endpoint(path=path)), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_socket_that_somebody_listens_on_is_left_alone(tmp_path: Path) -> None:
    endpoint = Endpoint(path=tmp_path / "metrics.sock")
    with listening(endpoint) as listener:
        with pytest.raises(EndpointError, match="already in use"), listening(endpoint):
            pass
        assert endpoint.path
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(endpoint.path))
            listener.accept()[0].close()


def test_another_s_socket_file_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "metrics.sock"
    with listening(Endpoint(path=path)):
        path.unlink()
        path.touch()
    assert path.exists()


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "metrics.sock"
    path.write_text("dear diary")
    with pytest.raises(EndpointError, match="no socket"), listening(Endpoint(path=path)):
        pass
    assert path.read_text() == "dear diary"


def test_a_missing_directory_is_one_sentence(tmp_path: Path) -> None:
    endpoint = Endpoint(path=tmp_path / "nowhere" / "metrics.sock")
    with pytest.raises(EndpointError) as caught, listening(endpoint):
        pass
    assert str(caught.value) == (
        f"Metrics cannot be served at {endpoint}: no such file or directory."
    )


def test_a_port_that_is_taken_is_one_sentence(ports: PortBlock) -> None:
    endpoint = Endpoint("127.0.0.1", ports.take())
    with (
        listening(endpoint),
        pytest.raises(EndpointError, match="address already in use"),
        listening(endpoint),
    ):
        pass

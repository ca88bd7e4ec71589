"""The command line of `runnodes`."""

import argparse
import ipaddress
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from birdwatcher.simulator.behaviour import Behaviour
from birdwatcher.simulator.node import SimulatedNode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `runnodes` to `parser`."""
    parser.add_argument(
        "ports", metavar="PORT", nargs="+", type=port_number, action=Distinct, help="one node each"
    )
    parser.add_argument(
        "--host", type=ip_address, default="127.0.0.1", help="IPv4 or IPv6 address to listen on"
    )
    parser.add_argument(
        "--seed", type=int, metavar="N", help="repeat the birds of an earlier run with this seed"
    )
    for option, kind, metavar, text in _BEHAVIOUR:
        parser.add_argument(option, type=kind, metavar=metavar, help=text)
    for option, text in _BEHAVIOUR_FLAGS:
        parser.add_argument(option, action="store_true", help=text)


def build_nodes(options: Mapping[str, Any]) -> list[SimulatedNode]:
    """Return the nodes that the parsed `options` ask for."""
    names = (name.removeprefix("--").replace("-", "_") for name, *_ in _ALL)
    given = {name: options[name] for name in names if options[name] is not None}
    behaviour = Behaviour(**given)
    # The same for all nodes, so that the one number in the log repeats the whole run.
    seed = secrets.randbits(32) if options["seed"] is None else options["seed"]
    return [SimulatedNode(options["host"], port, behaviour, seed=seed) for port in options["ports"]]


def port_number(text: str) -> int:
    """Return the TCP port in `text`. Raises argparse.ArgumentTypeError."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: choose one from 1 to 65535")
    return int(text)


def ip_address(text: str) -> str:
    """Return `text` if it is an IPv4 or IPv6 address. Raises argparse.ArgumentTypeError."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an IPv4 or IPv6 address") from None


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, 0 or more")
    return int(text)


def _positive(text: str) -> int:
    if not _whole(text):
        raise argparse.ArgumentTypeError("choose 1 or more")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate: choose 0 or more a second")
    return rate


def _fraction(text: str) -> float:
    if not _rate(text) <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not a fraction: choose one from 0 to 1")
    return float(text)


class Distinct(argparse.Action):
    """Accepts a list of values without repetitions."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Store `values`. Raises argparse.ArgumentError."""
        given = list(values or ())
        for value in given:
            if given.count(value) > 1:
                raise argparse.ArgumentError(self, f"port {value} is named twice")
        setattr(namespace, self.dest, given)


# Each option is the field of the same name in Behaviour, whose docstring explains it.
_BEHAVIOUR = (
    ("--rate", _rate, "R", "events per second for each client; 0: as fast as TCP takes them"),
    ("--count", _whole, "N", "after N events send nothing more"),
    ("--drop-every", _positive, "N", "close a connection after N events"),
    ("--stall", _whole, "N", "after N events stop half-way through a packet, and stay connected"),
    ("--garbage", _fraction, "P", "fraction of packets with malformed content, 0 to 1"),
    ("--garbage-lengths", _fraction, "P", "fraction of packets after an impossible length, 0 to 1"),
    ("--new-species", _fraction, "P", "fraction of events with a species of their own, 0 to 1"),
)
_BEHAVIOUR_FLAGS = (
    ("--split", "send every packet in pieces of a few bytes"),
    ("--numbered", 'give every bird of a node a name of its own: "Bob #17"'),
)
_ALL = (*_BEHAVIOUR, *_BEHAVIOUR_FLAGS)

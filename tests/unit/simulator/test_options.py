"""The command line of `runnodes`."""

import argparse

import pytest

from birdwatcher.simulator.behaviour import Behaviour
from birdwatcher.simulator.options import add_arguments, build_nodes


def parse(*arguments: str) -> dict[str, object]:
    parser = argparse.ArgumentParser(prog="runnodes")
    add_arguments(parser)
    return vars(parser.parse_args(arguments))


def test_a_node_a_port_on_the_loopback_address() -> None:
    nodes = build_nodes(parse("9999", "9998"))
    assert [node.address for node in nodes] == ["127.0.0.1:9999", "127.0.0.1:9998"]
    assert all(node.behaviour == Behaviour() for node in nodes)


def test_every_option_reaches_the_behaviour() -> None:
    options = "9999 --host ::1 --rate 5 --count 9 --drop-every 3 --stall 0 --garbage 0.5"
    (node,) = build_nodes(
        parse(*f"{options} --garbage-lengths 0.1 --new-species 0.2 --split --numbered".split())
    )
    assert node.address == "[::1]:9999"
    assert node.behaviour == Behaviour(
        rate=5,
        count=9,
        drop_every=3,
        stall=0,
        garbage=0.5,
        garbage_lengths=0.1,
        new_species=0.2,
        split=True,
        numbered=True,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "required: PORT"),
        ("0", "'0' is not a port: choose one from 1 to 65535"),
        ("65536", "'65536' is not a port"),
        ("-1", "-1"),
        ("٣", "is not a port"),
        ("9999 9998 9999", "port 9999 is named twice"),
        ("9999 --host localhost", "'localhost' is not an IPv4 or IPv6 address"),
        ("9999 --rate -1", "is not a rate"),
        ("9999 --rate nan", "is not a rate"),
        ("9999 --garbage 1.5", "is not a fraction"),
        ("9999 --drop-every 0", "choose 1 or more"),
        ("9999 --stall x", "is not a whole number"),
        ("9999 --seed x", "invalid int value"),
    ],
)
def test_what_makes_no_sense_is_refused(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(*arguments.split())
    assert caught.value.code == 2
    assert message in capsys.readouterr().err

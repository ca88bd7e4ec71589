"""Where nodes may be, as a table: disguises of forbidden addresses are seen through."""

import pytest

from nodeproc.networks import parse_networks, refusal

ALL = parse_networks("0.0.0.0/0,::/0")
METADATA = "is a link-local address, where cloud metadata services answer"


@pytest.mark.parametrize(
    "address",
    [
        "10.0.3.2",
        "127.0.0.1",
        "8.8.8.8",
        "169.253.255.255",
        "169.255.0.0",
        "::1",
        "2001:db8::7",
        "fd00:ec2::253",
        "fd00::1",
        "::ffff:10.0.3.2",
        "64:ff9b::808:808",
        "64:ff9b:1:a00:3:200::",
        "64:ff9b:1::a00:302",
        "2002:808:808::1",
    ],
)
def test_by_default_nodes_may_be_anywhere_else(address: str) -> None:
    assert refusal(address, ALL) is None


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("169.254.169.254", METADATA),
        ("169.254.0.1", METADATA),
        ("fe80::1", METADATA),
        ("fe80::1%eth0", METADATA),
        ("febf::1", METADATA),
        ("fd00:ec2::254", "is an address where cloud metadata services answer"),
        ("0.0.0.0", "is this machine itself"),  # noqa: S104
        ("::", "is this machine itself"),
        ("::ffff:169.254.169.254", "leads to 169.254.169.254, a link-local address"),
        ("::ffff:0.0.0.0", "leads to 0.0.0.0, this machine itself"),
        ("::169.254.169.254", "leads to 169.254.169.254"),
        ("::ffff:0:169.254.169.254", "leads to 169.254.169.254"),
        ("64:ff9b::169.254.169.254", "leads to 169.254.169.254"),
        ("64:ff9b:1::169.254.169.254", "leads to 169.254.169.254"),
        ("64:ff9b:1:a9fe:a9:fe00::", "leads to 169.254.169.254"),
        ("2002:a9fe:a9fe::1", "leads to 169.254.169.254"),
        ("2001:0:0:0:0:0:5601:5601", "leads to 169.254.169.254"),
        # What a database may hold that is no address, and a name lookup would understand.
        ("metadata.google.internal", "is not an IP address"),
        ("0xa9fea9fe", "is not an IP address"),
        ("0251.0376.0251.0376", "is not an IP address"),
        ("2852039166", "is not an IP address"),
        ("", "is not an IP address"),
    ],
)
def test_forbidden_addresses_are_refused_in_every_guise(address: str, why: str) -> None:
    assert why in (refusal(address, ALL) or "")


@pytest.mark.parametrize(
    ("networks", "allowed", "refused"),
    [
        ("10.3.0.0/16", "10.3.4.5", "10.4.0.1"),
        ("10.3.0.0/16", "::ffff:10.3.4.5", "2001:db8::1"),
        ("10.3.0.0/16 , 2001:db8::/32", "2001:db8::1", "169.254.1.1"),
        # Only a network within the forbidden one lifts it: a wider one was not meant so.
        ("0.0.0.0/0,169.254.7.0/24", "169.254.7.9", "169.254.169.254"),
        ("160.0.0.0/4", "169.1.1.1", "169.254.169.254"),
        ("169.254.0.0/16", "169.254.169.254", "10.0.0.1"),
        ("::/0,169.254.7.0/24", "64:ff9b::169.254.7.9", "169.1.1.1"),
    ],
)
def test_the_setting_narrows_and_names(networks: str, allowed: str, refused: str) -> None:
    parsed = parse_networks(networks)
    assert refusal(allowed, parsed) is None
    assert "BIRDWATCHER_NODE_NETWORKS" in (refusal(refused, parsed) or "")


@pytest.mark.parametrize(
    "text", ["10.0.3.2/8", "example.org", "10.0.0.0/8,", "10.0.0.0/33", "!::/0"]
)
def test_a_mistake_in_it_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"networks such as 10\.0\.0\.0/8"):
        parse_networks(text)

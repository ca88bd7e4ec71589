"""Validators for values that people type."""

import ipaddress

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator

from birdwatcher.common.moments import EARLIEST, LATEST
from nodeproc.networks import refusal
from nodeproc.text import UNPRINTABLE

# For names that people choose; those that peers send need only be `storable`.
no_control_characters = RegexValidator(
    f"[{UNPRINTABLE}]",
    "A name must not contain line breaks, tabs or other characters that cannot be seen.",
    inverse_match=True,
    code="control_character",
)


# The rule for names that nodes send (`nodeproc.text.is_storable`), but for lone surrogates, which
# cannot come here: forms decode UTF-8, and the fields of the API refuse them.
storable = RegexValidator(
    r"[\x00]", "The null character cannot be kept.", inverse_match=True, code="unstorable"
)


STORABLE_MOMENT = [
    MinValueValidator(EARLIEST, "The earliest time that can be kept is 0001-01-02 UTC."),
    MaxValueValidator(LATEST, "The latest time that can be kept is 9999-12-30 UTC."),
]


def host_address(value: str) -> None:
    """Raise ValidationError if `value` is an IP address that no single host can have."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return  # not an address at all, which the field itself reports
    if address.is_unspecified:
        raise ValidationError(
            f"{value} means “any address”; enter the address of the node itself.", "unspecified"
        )
    if address.is_multicast or value == "255.255.255.255":
        raise ValidationError(
            f"{value} addresses many hosts at once; enter the address of one node.", "multicast"
        )
    if address.version == 6 and address.is_link_local:
        raise ValidationError(
            f"{value} is valid on one network link only, which cannot be specified here; "
            "enter the node's global or unique local address.",
            "link_local",
        )


def allowed_network(value: str) -> None:
    """Raise ValidationError if the daemon would refuse to connect to this IP address."""
    if why := refusal(value, settings.BIRDWATCHER.daemon.node.node_networks):
        raise ValidationError(f"{why}.", "network")

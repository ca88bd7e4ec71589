"""Validators for values that people type."""

import ipaddress

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator

from birdwatcher.common.moments import EARLIEST, LATEST

# Line separators as well: they would break a log line, as a newline does.
no_control_characters = RegexValidator(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029]",
    "A name must not contain line breaks, tabs or other control characters.",
    inverse_match=True,
    code="control_character",
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

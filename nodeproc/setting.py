"""The declaration of a setting: a dataclass field that says where its value comes from.

A setting is declared once, in the dataclass from which it is used. Its value, the effect of a
reload, the documentation and the example file follow from the declaration. This module has what a
declaration needs; `birdwatcher.configuration` reads the environment.
"""

import contextlib
import dataclasses
import enum
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")
N = TypeVar("N", int, float)

KEY = "setting"  # in the metadata of a field


class Change(enum.Enum):
    """What it takes until another value is used."""

    RELOAD = "reload"
    RESTART = "restart"  # of the daemon; the web UI begins anew at a reload
    WEB = "reload of the web UI"  # the daemon does not use it


@dataclass(frozen=True)
class Setting:
    """What an environment variable means, and how its text becomes a value."""

    name: str
    parse: Callable[[str], Any]  # raises ValueError with what is allowed: "a number from 2 to 9"
    meaning: str
    shown: str  # the default, for people
    secret: bool  # must not stand in a file that others may read
    change: Change


def setting(
    parse: Callable[[str], T],
    default: str | None,
    meaning: str,
    *,
    name: str = "",
    shown: str = "",
    secret: bool = False,
    change: Change = Change.RELOAD,
) -> T:
    """Declare a field of a dataclass as a setting; see `Setting`.

    `default` is read like a value that was set; with None the value is None until it is computed.
    `{}` in `meaning` stands for the bounds of `parse`. Without `name`, the variable's name is
    `BIRDWATCHER_` and the field's name in capitals.
    """
    declared = Setting(name, parse, meaning.format(parse), shown or default or "", secret, change)
    value = (lambda: None) if default is None else partial(parse, default)
    field = dataclasses.field(default_factory=value, repr=not secret, metadata={KEY: declared})
    return cast("T", field)


def setting_of(field: dataclasses.Field[Any]) -> Setting | None:
    """Return the setting as which `field` is declared, if it is."""
    declared: Setting | None = field.metadata.get(KEY)
    if declared and not declared.name:
        return dataclasses.replace(declared, name=f"BIRDWATCHER_{field.name.upper()}")
    return declared


@dataclass(frozen=True)
class Range(Generic[N]):
    """A parser of numbers from `low` to `high`."""

    kind: type[N]
    low: N
    high: N

    def __str__(self) -> str:
        return f"{self.low} to {self.high}"

    def __call__(self, text: str) -> N:
        """Return the number. Raises ValueError."""
        with contextlib.suppress(ValueError):
            plain = self.kind is float or (text.isascii() and text.isdigit())
            if plain and self.low <= self.kind(text) <= self.high:
                return self.kind(text)
        raise ValueError(f"a {'whole ' if self.kind is int else ''}number from {self}")

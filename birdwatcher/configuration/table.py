"""Walks over the fields of a dataclass that declares settings, and of the dataclasses in it."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.core.exceptions import ImproperlyConfigured

from nodeproc.setting import Change, Setting, setting, setting_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

# Declares a setting that only the web UI uses.
web_setting = partial(setting, change=Change.WEB)


def settings_of(group: "type[DataclassInstance]") -> Iterator[Setting]:
    """Yield every setting of `group`, in the order of its fields."""
    for field in fields(group):
        if declared := setting_of(field):
            yield declared
        else:
            yield from settings_of(cast("type[Any]", field.default_factory))


def read(group: type[T], given: Mapping[str, str]) -> T:
    """Return a `group` with the values that `given` has, and the defaults.

    Raises ImproperlyConfigured, one sentence, if a value is not allowed.
    """
    values: dict[str, Any] = {}
    for field in fields(group):
        if declared := setting_of(field):
            text = given.get(declared.name, "").strip()
            if text:  # a variable set to nothing counts as not set
                values[field.name] = _parse(declared, text)
        else:
            values[field.name] = read(cast("type[Any]", field.default_factory), given)
    return group(**values)


def _parse(declared: Setting, text: str) -> Any:
    try:
        return declared.parse(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"{declared.name} is {text!r}, but must be {error}.") from None


def follow(old: T, new: T, log: logging.Logger) -> T:
    """Return `old` with the values of `new` that the running daemon can take, and log them.

    Log the names of those that take a restart, too.
    """
    taken: dict[str, Any] = {}
    for field in fields(old):
        before, now = getattr(old, field.name), getattr(new, field.name)
        declared = setting_of(field)
        if declared is None:
            taken[field.name] = follow(before, now, log)
        elif before == now or declared.change is Change.WEB:
            continue
        elif declared.change is Change.RESTART:  # without the value, which may hold a password
            log.warning("%s has changed, which takes a restart", declared.name)
        else:
            log.info("%s: %s -> %s", declared.name, before, now)
            taken[field.name] = now
    return replace(old, **taken)

"""The settings that a dataclass declares, itself and in the dataclasses that it holds."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import partial
from typing import Any, TypeVar, cast

from django.core.exceptions import ImproperlyConfigured

from nodeproc.setting import Change, Setting, setting, setting_of

T = TypeVar("T")

# Only the web UI reads it.
web_setting = partial(setting, change=Change.WEB)


def settings_of(group: Any) -> Iterator[Setting]:
    """Yield every setting of the dataclass `group`, in the order of its fields."""
    for field in fields(group):
        if declared := setting_of(field):
            yield declared
        else:
            yield from settings_of(field.default_factory)


def read(group: Callable[..., T], given: Mapping[str, str]) -> T:
    """Return the dataclass `group` with the values that `given` has, and the defaults.

    Raises ImproperlyConfigured, one sentence, if a value is not allowed.
    """
    values: dict[str, Any] = {}
    for field in fields(group):  # type: ignore[arg-type]
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

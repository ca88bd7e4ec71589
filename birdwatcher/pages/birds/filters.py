"""The filters of the list of birds, as they stand in its address."""

import datetime
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from birdwatcher.accounts.timezones import midnight
from birdwatcher.birds.models import Species
from birdwatcher.common.forms import ParsedField
from birdwatcher.common.moments import parse_typed
from birdwatcher.common.units import DAY
from birdwatcher.nodes.models import Node
from birdwatcher.search.choices import DOUBTFUL, PAST
from birdwatcher.search.keyset import Position
from birdwatcher.search.search import Search

# The fields of the form, in the order in which they stand in an address.
FILTERS = ("species", "node", "name", "past", "from", "to", "clock")
DAYS = {"today": ("Today", 0), "yesterday": ("Yesterday", 1)}
RANGES = {key: word for key, (word, _) in {**DAYS, **PAST}.items()}
CHOICES = 1_000  # of a menu


class MomentField(ParsedField):
    """A time, in the active zone unless it has an offset; cleaned to UTC."""

    parse = staticmethod(parse_typed)


class PositionField(ParsedField):
    """A position in the list."""

    parse = staticmethod(Position.parse)


class BirdFilters(forms.Form):
    """The filters of birds, and a position in the list."""

    species = forms.ModelChoiceField(
        Species.objects.all(),
        required=False,
        error_messages={"invalid_choice": "There is no such species (any more)."},
    )
    node = forms.ModelChoiceField(
        Node.objects.all(),
        required=False,
        error_messages={"invalid_choice": "There is no such node (any more)."},
    )
    name = forms.CharField(required=False, max_length=255)
    past = forms.ChoiceField(
        choices=list(RANGES.items()),
        required=False,
        error_messages={"invalid_choice": "There is no time range “%(value)s”."},
    )
    clock = forms.ChoiceField(
        choices=[("plausible", "plausible"), (DOUBTFUL, DOUBTFUL)],
        required=False,
        error_messages={"invalid_choice": "A clock is plausible or doubtful, not “%(value)s”."},
    )
    before = PositionField(required=False, max_length=64)
    after = PositionField(required=False, max_length=64)

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        # These names are not valid as attributes: `from` is a keyword.
        self.fields["from"] = MomentField(required=False, max_length=64)
        self.fields["to"] = MomentField(required=False, max_length=64)

    def clean(self) -> dict[str, Any]:
        """Return the cleaned data. Raises ValidationError if the range is reversed."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        start, end = cleaned.get("from"), cleaned.get("to")
        if start and end and start >= end:
            raise ValidationError("The time range ends before it begins.")
        return cleaned

    @property
    def complaints(self) -> list[str]:
        """A sentence about each invalid filter."""
        return [str(error) for errors in self.errors.values() for error in errors]

    @cached_property
    def given(self) -> dict[str, str]:
        """The filters as they stand in an address, in a fixed order, without those not set."""
        texts = {name: self.data.get(name, "").strip() for name in FILTERS}
        # A typed time replaces a chosen range.
        if texts["from"] or texts["to"]:
            texts["past"] = ""
        if texts["clock"] != DOUBTFUL:
            texts["clock"] = ""
        return {name: text for name, text in texts.items() if text}

    def query(self, **other: str) -> str:
        """Return the query string of these filters, with some replaced by `other`."""
        return urlencode({k: v for k, v in {**self.given, **other}.items() if v})

    def search(self, now: datetime.datetime | None = None) -> Search:
        """Return the search. The filters must be valid."""
        asked = self.cleaned_data
        start, end = asked["from"], asked["to"]
        if "past" in self.given:
            start, end = _range(self.given["past"], now or timezone.now())
        return Search(
            node=asked["node"].pk if asked["node"] else None,
            species=asked["species"].pk if asked["species"] else None,
            prefix=asked["name"],
            start=start,
            end=end,
            doubtful=asked["clock"] == DOUBTFUL,
        )

    def in_words(self) -> str:
        """Return the filters in words. They must be valid."""
        asked, given = self.cleaned_data, self.given
        words = [str(asked[name].name) for name in ("species", "node") if asked[name]]
        if asked["name"]:
            words.append(f"“{asked['name']}…”")
        if "past" in given:
            words.append(RANGES[given["past"]].lower())
        words += [f"{name} {self.local(name)[:16]}" for name in ("from", "to") if asked[name]]
        if asked["clock"] == DOUBTFUL:
            words.append("doubtful clock")
        return ", ".join(words) or "all birds"

    def local(self, name: str) -> str:
        """Return a time for the form's field: in the active zone, without an offset."""
        moment = self.cleaned_data.get(name)
        try:
            local = timezone.localtime(moment).replace(tzinfo=None) if moment else None
        except OverflowError:
            local = None
        return local.isoformat(timespec="seconds") if local else ""

    @property
    def local_from(self) -> str:
        """The chosen start, for the form."""
        return self.local("from")

    @property
    def local_to(self) -> str:
        """The chosen end, for the form."""
        return self.local("to")


def _range(past: str, now: datetime.datetime) -> tuple[datetime.datetime, datetime.datetime | None]:
    """Return the start and the end of a named range; some have no end."""
    if past in PAST:
        return now - PAST[past][1], None
    date = timezone.localtime(now).date() - DAYS[past][1] * DAY
    return midnight(date), midnight(date + DAY)

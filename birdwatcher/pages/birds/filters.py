"""The filters of the list of birds, as they stand in the address of the page."""

from __future__ import annotations

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
from birdwatcher.common.moments import parse_moment
from birdwatcher.common.units import DAY
from birdwatcher.nodes.models import Node
from birdwatcher.search.choices import DOUBTFUL, PAST
from birdwatcher.search.keyset import Position
from birdwatcher.search.search import Search

# What the form holds, in the order in which it stands in an address.
FILTERS = ("species", "node", "name", "past", "from", "to", "clock")
DAYS = {"today": ("Today", 0), "yesterday": ("Yesterday", 1)}
RANGES = {key: word for key, (word, _) in {**DAYS, **PAST}.items()}
CHOICES = 1_000  # in a menu


class MomentField(ParsedField):
    """A time, in the active zone if it says nothing else; in UTC then."""

    parse = staticmethod(parse_moment)


class PositionField(ParsedField):
    """A place in the list."""

    parse = staticmethod(Position.parse)


class BirdFilters(forms.Form):
    """What birds are asked for, and from where in their list."""

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
        # Names that Python keeps for itself.
        self.fields["from"] = MomentField(required=False, max_length=64)
        self.fields["to"] = MomentField(required=False, max_length=64)

    def clean(self) -> dict[str, Any]:
        """Return what was asked for. Raises ValidationError if it contradicts itself."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        start, end = cleaned.get("from"), cleaned.get("to")
        if start and end and start >= end:
            raise ValidationError("The time range ends before it begins.")
        return cleaned

    @property
    def complaints(self) -> list[str]:
        """What is wrong, in sentences."""
        return [str(error) for errors in self.errors.values() for error in errors]

    @cached_property
    def given(self) -> dict[str, str]:
        """The filters as they stand in an address, in one order, without those that say nothing."""
        texts = {name: self.data.get(name, "").strip() for name in FILTERS}
        # A time that was typed counts more than a range that was there before.
        if texts["from"] or texts["to"]:
            texts["past"] = ""
        if texts["clock"] != DOUBTFUL:
            texts["clock"] = ""
        return {name: text for name, text in texts.items() if text}

    def query(self, **other: str) -> str:
        """Return what to write after "?" for these filters, with others in their place."""
        return urlencode({k: v for k, v in {**self.given, **other}.items() if v})

    def search(self, now: datetime.datetime | None = None) -> Search:
        """Return what to search for. To be asked of valid filters only."""
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
        """Return what is asked for, for people. To be asked of valid filters only."""
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
        """Return a time as a field of the form takes it: in the active zone, without an offset."""
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
    """Return the moments between which a named range lies; it may go on."""
    if past in PAST:
        return now - PAST[past][1], None
    date = timezone.localtime(now).date() - DAYS[past][1] * DAY
    return midnight(date), midnight(date + DAY)

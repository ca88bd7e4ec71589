"""The filters of the audit log, as they stand in its address."""

import datetime
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet
from django.utils.http import urlencode

from birdwatcher.accounts.timezones import midnight
from birdwatcher.audit.models import Action, Entry
from birdwatcher.common.keys import BIGGEST_KEY

KINDS = {
    "nodes.node": "nodes",
    "birds.bird": "birds",
    "birds.species": "species",
    "auth.user": "users",
    "auth.group": "groups",
    "accounts.apitoken": "API tokens",
}
DAY = datetime.timedelta(days=1)
PLAUSIBLE = [
    MinValueValidator(datetime.date(1970, 1, 1), "The first day is 1970-01-01."),
    MaxValueValidator(datetime.date(9000, 1, 1), "The last day is 9000-01-01."),
]


class AuditFilters(forms.Form):
    """What to show; `start` is the key from which a page goes backwards."""

    who = forms.CharField(required=False, max_length=255)
    action = forms.ChoiceField(choices=Action.choices, required=False)
    kind = forms.ChoiceField(label="about", choices=list(KINDS.items()), required=False)
    key = forms.CharField(required=False, max_length=64)
    address = forms.GenericIPAddressField(required=False)
    first = forms.DateField(required=False, validators=PLAUSIBLE)
    last = forms.DateField(required=False, validators=PLAUSIBLE)
    start = forms.IntegerField(required=False, min_value=1, max_value=BIGGEST_KEY)

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        self.given = {
            name: text for name in self.fields if (text := str(data.get(name, "")).strip())
        }

    @property
    def complaints(self) -> list[str]:
        """A sentence about each invalid filter."""
        found = self.errors.items()
        return [f"{name}: {error}" for name, errors in found for error in errors]

    @property
    def is_filtered(self) -> bool:
        """Whether a filter is set."""
        return bool(self.given.keys() - {"start"})

    def query(self, **changes: Any) -> str:
        """Return the query string of these filters from the newest entry on, with changes."""
        kept = {name: text for name, text in self.given.items() if name != "start"}
        return urlencode(kept | changes)

    def entries(self) -> QuerySet[Entry]:
        """Return what matches, newest first. The filters must be valid."""
        asked = self.cleaned_data
        equal = ("who", "action", "kind", "key", "address")
        rows = Entry.objects.filter(**{name: asked[name] for name in equal if asked[name]})
        if asked["first"]:
            rows = rows.filter(at__gte=midnight(asked["first"]))
        if asked["last"]:
            rows = rows.filter(at__lt=midnight(asked["last"] + DAY))
        return rows.order_by("-pk")

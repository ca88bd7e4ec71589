"""Forms about the user who looks at the pages."""

import zoneinfo

from django import forms
from django.core.exceptions import ValidationError

from birdwatcher.accounts.timezones import LONGEST_NAME, find_zone


class TimeZoneForm(forms.Form):
    """A new time zone, and the page to return to."""

    zone = forms.CharField(max_length=LONGEST_NAME)
    next = forms.CharField(required=False)

    def clean_zone(self) -> zoneinfo.ZoneInfo:
        """Return the time zone. Raises ValidationError if there is none of that name."""
        name = self.cleaned_data["zone"]
        zone = find_zone(name)
        if zone is None:
            raise ValidationError(
                "There is no time zone “%(name)s”: it is like UTC or Europe/London.",
                params={"name": name},
            )
        return zone

"""Forms of the user who looks at the pages, about themselves."""

import datetime
import zoneinfo
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from birdwatcher.accounts.models import OF_PEOPLE, ApiToken
from birdwatcher.accounts.timezones import LONGEST_NAME, find_zone
from birdwatcher.accounts.tokens import renew

MOST_DAYS = 3650


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


class TokenForm(forms.ModelForm):
    """A new token of one's own."""

    scope = forms.ChoiceField(
        choices=OF_PEOPLE, help_text="The token never grants more than you may do."
    )
    days = forms.IntegerField(
        label="Ends after (days)", min_value=1, max_value=MOST_DAYS, help_text="1 to 3650."
    )

    class Meta:
        model = ApiToken
        fields = ["name", "scope"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["days"].initial = settings.BIRDWATCHER.token_days

    def save(self, commit: bool = True) -> Any:
        """Return the token, with its secret, which is stored nowhere."""
        token: Any = super().save(commit=False)
        token.expires_at = timezone.now() + datetime.timedelta(days=self.cleaned_data["days"])
        token.secret = renew(token)
        if commit:
            token.save()
        return token

"""A form's field whose text something else reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError


class ParsedField(forms.CharField):
    """What `parse` makes of a text, which raises ValueError with a sentence for people."""

    parse: Callable[[str], Any]

    def clean(self, value: Any) -> Any:
        """Return what the text means, None without one. Raises ValidationError."""
        text = super().clean(value)
        try:
            return self.parse(text) if text else None
        except ValueError as error:
            raise ValidationError(str(error)) from None

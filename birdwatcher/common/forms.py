"""A field of forms with its own parser."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError


class ParsedField(forms.CharField):
    """A text that `parse` converts, or refuses by a ValueError with a sentence for people."""

    parse: Callable[[str], Any]

    def clean(self, value: Any) -> Any:
        """Return the parsed text, None if it is empty. Raises ValidationError."""
        text = super().clean(value)
        try:
            return self.parse(text) if text else None
        except ValueError as error:
            raise ValidationError(str(error)) from None

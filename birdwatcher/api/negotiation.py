"""In which form somebody wants an answer: by the header Accept, or by `?format=`."""

from __future__ import annotations

from collections.abc import Iterable

from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer


class Negotiation(DefaultContentNegotiation):
    """The usual one, but that an unknown `?format=` is a form that cannot be had, and not a page
    that is not there."""

    def filter_renderers(
        self,
        renderers: Iterable[BaseRenderer],
        format: str,  # noqa: A002 its name there
    ) -> list[BaseRenderer]:
        """Return those of `renderers` that make the form. Raises NotAcceptable."""
        found = [renderer for renderer in renderers if renderer.format == format]
        if not found:
            known = " or ".join(renderer.format for renderer in renderers)
            raise NotAcceptable(f"There is no such format here: it is {known}.")
        return found

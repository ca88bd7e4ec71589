"""The format of a request's body, and of the response: by Accept or `?format=`."""

from collections.abc import Iterable, Mapping
from typing import IO, Any

from rest_framework.exceptions import NotAcceptable, ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.renderers import BaseRenderer


class Negotiation(DefaultContentNegotiation):
    """Answer an unknown `?format=` with 406 instead of 404."""

    def filter_renderers(
        self,
        renderers: Iterable[BaseRenderer],
        format: str,  # noqa: A002 the name in the base class
    ) -> list[BaseRenderer]:
        """Return those of `renderers` that write the format. Raises NotAcceptable."""
        found = [renderer for renderer in renderers if renderer.format == format]
        if not found:
            known = " or ".join(renderer.format for renderer in renderers)
            raise NotAcceptable(f"There is no such format here: use {known}.")
        return found


class JsonParser(JSONParser):
    """Parse JSON; refuse nesting that is too deep instead of failing."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the parsed body. Raises ParseError."""
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError("The JSON is nested too deeply.") from None

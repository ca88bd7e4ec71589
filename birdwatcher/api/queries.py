"""What may stand behind the question mark of an address, checked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from birdwatcher.api.fields import Digits
from birdwatcher.api.filters import find_one
from birdwatcher.birds.models import Species
from birdwatcher.common.keys import BIGGEST_KEY
from birdwatcher.exports.rows import total_order
from birdwatcher.nodes.models import Node

OF_ALL = {"format"}
OF_PAGES = {"page", "page_size"}
MAY_BE_EMPTY = {"search"}


def refuse_unknown(request: Request, known: Iterable[str]) -> None:
    """Raise ValidationError if a parameter is not `known`, is empty or given more than once: it
    would choose nothing, or only the last of it, and look as if it had."""
    names = request.query_params.keys()
    errors = {name: ["There is no such parameter."] for name in names - OF_ALL - set(known)}
    for name, given in request.query_params.lists():
        if len(given) > 1:
            errors.setdefault(name, ["It must be given once."])
        elif not given[0] and name not in MAY_BE_EMPTY:
            errors.setdefault(name, ["It must not be empty."])
    if errors:
        raise ValidationError(dict(sorted(errors.items())))


class Query(serializers.Serializer[Any]):
    """The parameters of one address."""

    @classmethod
    def of(cls, request: Request) -> Self:
        """Return those of a request. Raises ValidationError."""
        # A plain dictionary, else a truth value that is not there would count as false.
        query = cls(data=request.query_params.dict())
        refuse_unknown(request, query.fields)
        query.is_valid(raise_exception=True)
        return query


class OfBirds(Query):
    """Of which birds: those of a node, those of a species."""

    node = Digits(required=False, min_value=1, max_value=BIGGEST_KEY)
    species = Digits(required=False, min_value=1, max_value=BIGGEST_KEY)

    def validate_node(self, key: int) -> int | None:
        """Return the key. Raises ValidationError if there is no such node."""
        return found(Node, key)

    def validate_species(self, key: int) -> int | None:
        """Return the key. Raises ValidationError if there is no such species."""
        return found(Species, key)


def found(model: type[Any], key: int) -> int | None:
    """Return `key`, if it is one of `model`. Raises ValidationError."""
    try:
        return find_one(model, key)
    except ValueError as error:
        raise ValidationError(str(error)) from None


class StrictFilters(DjangoFilterBackend):
    """The usual filters, but that none is passed over because it is misspelt."""

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: APIView
    ) -> QuerySet[Any]:
        """Return what the filters leave, in an order in which no two are equal, so that each is
        on one page. Raises ValidationError."""
        filters = self.get_filterset_class(view, queryset)
        refuse_unknown(request, {*filters.base_filters, *OF_PAGES})
        rows = super().filter_queryset(request, queryset, view)
        return rows.order_by(*total_order(rows))

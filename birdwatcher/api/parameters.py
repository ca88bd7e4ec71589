"""The parameters of an address, checked strictly."""

from collections.abc import Iterable
from typing import Any, Self

from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from birdwatcher.api.fields import Digits
from birdwatcher.birds.models import Species
from birdwatcher.common.keys import BIGGEST_KEY
from birdwatcher.nodes.models import Node

OF_ALL = {"format"}
OF_PAGES = {"page", "page_size"}
MAY_BE_EMPTY = {"search"}


def refuse_unknown(request: Request, known: Iterable[str]) -> None:
    """Raise ValidationError if a parameter is not in `known`, is empty, or is repeated.

    Ignored silently, it would look as if it had an effect.
    """
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
        """Return the parameters of a request. Raises ValidationError."""
        # A plain dictionary: in a QueryDict, a missing boolean would count as false.
        query = cls(data=request.query_params.dict())
        refuse_unknown(request, query.fields)
        query.is_valid(raise_exception=True)
        return query


class OfBirds(Query):
    """Parameters that choose the birds of a node, of a species, or of both."""

    node = Digits(required=False, min_value=1, max_value=BIGGEST_KEY)
    species = Digits(required=False, min_value=1, max_value=BIGGEST_KEY)

    def validate_node(self, key: int) -> int:
        """Return the key. Raises ValidationError if there is no such node."""
        return found(Node, key)

    def validate_species(self, key: int) -> int:
        """Return the key. Raises ValidationError if there is no such species."""
        return found(Species, key)


def found(model: type[Any], key: int) -> int:
    """Return `key` if `model` has such a row. Raises ValidationError."""
    if 0 < key <= BIGGEST_KEY and model.objects.filter(pk=key).exists():
        return key
    raise ValidationError(f"There is no {model._meta.verbose_name} {key}.")  # noqa: SLF001 public

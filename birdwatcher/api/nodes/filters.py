"""Filters of the list of nodes."""

from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters

from birdwatcher.api.filters import LONGEST, TruthFilter
from birdwatcher.daemon.models import Daemon, now_of
from birdwatcher.daemon.node_states import WORDS, nodes_in
from birdwatcher.nodes.models import Node


class NodeFilters(filters.FilterSet):
    """Filters of the list of nodes."""

    search = filters.CharFilter(
        method="containing", max_length=LONGEST, help_text="Part of the name or IP address."
    )
    enabled = TruthFilter()
    state = filters.ChoiceFilter(choices=[(it, it) for it in WORDS], method="in_state")
    ordering = filters.OrderingFilter(fields=["id", "name", "ip_address", "port"])

    class Meta:
        model = Node
        fields: list[str] = []

    def containing(self, nodes: QuerySet[Node], _name: str, text: str) -> QuerySet[Node]:
        """Return those of `nodes` whose name or address contains `text`."""
        return nodes.filter(Q(name__icontains=text) | Q(ip_address__icontains=text))

    def in_state(self, nodes: QuerySet[Node], _name: str, word: str) -> QuerySet[Node]:
        """Return those of `nodes` whose state is `word` now."""
        return nodes.filter(nodes_in(word, daemon := Daemon.current(), now_of(daemon)))

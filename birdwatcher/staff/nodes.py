"""The admin's pages about nodes."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join

from birdwatcher.birds import removal
from birdwatcher.daemon.models import Daemon, now_of
from birdwatcher.daemon.node_states import WORDS, StateNow, nodes_in, state_now
from birdwatcher.nodes import actions
from birdwatcher.nodes.models import Node, NodeStatus
from birdwatcher.search.choices import DOUBTFUL
from birdwatcher.staff.counted_delete import CountedDeleteAdmin
from birdwatcher.staff.filters import ClockFilter
from birdwatcher.staff.history import coloured, list_of_node, two_lines

COUNTS = ["events", "rejected", "reconnects"]


def _status(node: Node) -> NodeStatus:
    """Return the node's status, or an empty one."""
    return getattr(node, "status", None) or NodeStatus()


class StateFilter(admin.SimpleListFilter):
    """A filter by the current state."""

    title = "state"
    parameter_name = "state"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        """Return the states to choose from."""
        return [(word, word) for word in WORDS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Node]) -> QuerySet[Node]:
        """Return the nodes in the chosen state."""
        word = self.value()
        if word not in WORDS:
            return queryset
        return queryset.filter(nodes_in(word, daemon := Daemon.current(), now_of(daemon)))


class NodeChangeList(ChangeList):
    """The list of nodes, each with its current state in `state_now`."""

    def get_results(self, request: HttpRequest) -> None:
        """Load the nodes of the page, and the daemon's row once for all of them."""
        super().get_results(request)
        now = now_of(daemon := Daemon.current())
        for node in self.result_list:
            node.state_now = state_now(node, daemon, now)


@admin.register(Node)
class NodeAdmin(CountedDeleteAdmin):
    """Nodes with their current states."""

    bird_field = "node"
    list_display = ["name", "address", "enabled", "state", "since", "last_event", *COUNTS]
    list_display += ["last_error"]
    list_filter = ["enabled", StateFilter]
    list_select_related = ["status"]
    search_fields = ["name", "ip_address", "port"]
    show_facets = admin.ShowFacets.NEVER
    search_help_text = "Part of a name, an IP address or a port."
    actions = ["enable", "disable", "restart"]
    live_fields = ["state", "since", "last_event", *COUNTS, "last_error"]
    readonly_fields = [*live_fields, "lists"]

    class Media:
        css = {"all": ["staff/nodes.css"]}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the class of the list."""
        return NodeChangeList

    def get_object(self, *args: Any, **kwargs: Any) -> Node | None:
        """Return one node with its current state, or None."""
        node = super().get_object(*args, **kwargs)
        if node is not None:
            node.state_now = state_now(node, daemon := Daemon.current(), now_of(daemon))
        return node

    def clear(self, request: HttpRequest, obj: Node) -> None:
        """Disable a node and delete its birds, before it is deleted itself."""
        actions.disable([obj])
        removal.clear_node(obj)

    def get_fieldsets(self, request: HttpRequest, obj: Node | None = None) -> list[Any]:
        """Return the parts of the form; a new node has no state to show."""
        limits = ["max_events_per_second", "new_species_a_day"]
        own = (None, {"fields": ["name", "ip_address", "port", "enabled", *limits]})
        said = ("What the daemon says", {"fields": self.readonly_fields})
        return [own] if obj is None else [own, said]

    @admin.display(ordering="ip_address")
    def address(self, node: Node) -> str:
        """Return the IP address and port."""
        return node.address

    @admin.display(ordering="status__state")
    def state(self, node: Any) -> str:
        """Return the current state in colour, with its reason."""
        shown: StateNow = node.state_now
        word = coloured(shown.word)
        if not shown.reason:
            return word
        return format_html('{} <span class="state-reason">{}</span>', word, shown.reason)

    @admin.display(ordering="status__since")
    def since(self, node: Any) -> str | None:
        """Return when the state began."""
        return two_lines(node.state_now.since)

    @admin.display(ordering="status__last_event_at")
    def last_event(self, node: Node) -> str | None:
        """Return when the last event arrived."""
        return two_lines(_status(node).last_event_at)

    @admin.display(ordering="status__events")
    def events(self, node: Node) -> str:
        """Return the number of events, as a link to the node's birds."""
        url = list_of_node("birds_bird", node.pk)
        return format_html('<a href="{}">{}</a>', url, f"{_status(node).events:,}")

    @admin.display(ordering="status__rejected")
    def rejected(self, node: Node) -> str:
        """Return the number of rejected packets, as a link to the newest of them."""
        url = list_of_node("nodes_rejectedpacket", node.pk)
        return format_html('<a href="{}">{}</a>', url, f"{_status(node).rejected:,}")

    @admin.display(ordering="status__reconnects")
    def reconnects(self, node: Node) -> str:
        """Return the number of reconnects."""
        return f"{_status(node).reconnects:,}"

    @admin.display(ordering="status__last_error")
    def last_error(self, node: Node) -> str:
        """Return the last error."""
        return _status(node).last_error

    @admin.display(description="lists")
    def lists(self, node: Node) -> str:
        """Return links to the node's birds and history."""
        doubtful = {ClockFilter.parameter_name: DOUBTFUL}
        links = [
            (list_of_node("birds_bird", node.pk), "birds"),
            (list_of_node("birds_bird", node.pk, **doubtful), "birds with a doubtful time"),
            (list_of_node("nodes_statuschange", node.pk), "history of its state"),
            (list_of_node("nodes_rejectedpacket", node.pk), "rejected packets"),
        ]
        return format_html_join(" · ", '<a href="{}">{}</a>', links)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may enable, disable and restart nodes."""
        return request.user.has_perm("nodes.operate_node") or self.has_change_permission(request)

    @admin.action(description="Enable selected nodes", permissions=["operate"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Node]) -> None:
        """Make the daemon connect to the chosen nodes."""
        self._say(request, "Enabled", actions.enable(queryset))

    @admin.action(description="Disable selected nodes (keeps their birds)", permissions=["operate"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Node]) -> None:
        """Make the daemon disconnect from the chosen nodes."""
        self._say(request, "Disabled", actions.disable(queryset))

    @admin.action(description="Restart the processes of selected nodes", permissions=["operate"])
    def restart(self, request: HttpRequest, queryset: QuerySet[Node]) -> None:
        """Restart the processes of the chosen nodes that are enabled."""
        self._say(request, "Restarted", actions.restart(queryset))

    def _say(self, request: HttpRequest, what: str, count: int) -> None:
        plural = "node" if count == 1 else "nodes"
        self.message_user(request, f"{what} {count} {plural}.", messages.SUCCESS)

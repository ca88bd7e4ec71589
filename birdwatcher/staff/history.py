"""The admin's pages about what the daemon recorded: rejected packets and changes of state."""

import datetime

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.text import Truncator

from birdwatcher.daemon.node_states import tone
from birdwatcher.nodes.models import RejectedPacket, StatusChange
from birdwatcher.nodes.packets import as_hex, as_text
from birdwatcher.staff.changelist import NewestFirstAdmin
from birdwatcher.staff.filters import ChooseFilter, ChooseWordFilter

BEGINNING = 80  # characters of a packet in the list


def two_lines(moment: datetime.datetime | None) -> str | None:
    """Return a time for a narrow column, with the date above the time."""
    if moment is None:
        return None
    local = timezone.localtime(moment)
    date, time = formats.date_format(local), formats.time_format(local)
    return format_html('<span class="moment">{}</span> <span class="moment">{}</span>', date, time)


def coloured(state: str) -> str:
    """Return the word of a state in its colour."""
    return format_html('<span class="state state-{}">{}</span>', tone(state), state)


def list_of_node(model: str, node: int, **filters: str) -> str:
    """Return the address of the list of `model`, such as `birds_bird`, for one node."""
    query = urlencode({"node__id__exact": node} | filters)
    return f"{reverse(f'admin:{model}_changelist')}?{query}"


class RecordAdmin(NewestFirstAdmin):
    """Rows that only the daemon writes and deletes; the newest first, read-only."""

    list_select_related = ["node"]

    class Media:
        css = {"all": ["staff/nodes.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: only the daemon adds rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return False: rows never change."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return False: rows are deleted with their node, or when they are old."""
        return False


@admin.register(RejectedPacket)
class RejectedPacketAdmin(RecordAdmin):
    """Rejected packets; the page of each shows it as text and as a hex dump."""

    list_display = ["at", "node", "reason", "size", "beginning"]
    list_filter = [("node", ChooseFilter), ("reason", ChooseWordFilter)]
    fields = ["at", "node", "reason", "announced", "text", "hex_dump"]
    readonly_fields = ["announced", "text", "hex_dump"]

    @admin.display
    def beginning(self, packet: RejectedPacket) -> str:
        """Return the first characters of the packet."""
        text = Truncator(as_text(bytes(packet.raw))).chars(BEGINNING)
        return format_html('<code class="packet">{}</code>', text)

    @admin.display(description="size")
    def announced(self, packet: RejectedPacket) -> str:
        """Return the announced size, and how many bytes are stored."""
        return f"announced {packet.size:,} bytes; the first {len(packet.raw):,} are kept"

    @admin.display
    def text(self, packet: RejectedPacket) -> str:
        """Return the packet as text."""
        return format_html('<pre class="packet">{}</pre>', as_text(bytes(packet.raw)))

    @admin.display(description="hex")
    def hex_dump(self, packet: RejectedPacket) -> str:
        """Return the packet as a hex dump."""
        return format_html('<pre class="packet">{}</pre>', as_hex(bytes(packet.raw)))


@admin.register(StatusChange)
class StatusChangeAdmin(RecordAdmin):
    """The history of the states of all nodes."""

    list_display = ["at", "node", "word", "pid", "detail"]
    list_display_links = None
    list_filter = [("node", ChooseFilter), ("state", ChooseWordFilter)]

    @admin.display(description="state")
    def word(self, change: StatusChange) -> str:
        """Return the state in its colour."""
        return coloured(change.state)

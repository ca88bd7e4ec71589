"""Nodes, and what the daemon records of each."""

import datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from birdwatcher.common.locking import LockedDeleteModel
from birdwatcher.common.validators import allowed_network, host_address, no_control_characters
from nodeproc.limits import MAX_EVENTS_PER_SECOND
from nodeproc.states import NodeState
from nodeproc.wire.messages import RAW_BYTES
from nodeproc.wire.reasons import Reason

STATES = [(state.value, state.value) for state in NodeState]
REASONS = [(reason.value, reason.value) for reason in Reason]

# PostgreSQL's NOTIFY channel on which a trigger announces every change of the node table. Listeners
# and the migration use it; a new name needs a new migration.
NODES_CHANNEL = "birdwatcher_nodes"


class Node(LockedDeleteModel):
    """A bird detector that listens on a TCP port."""

    name = models.CharField(
        max_length=255,
        validators=[no_control_characters],
        help_text="A name for people, such as the place of the node.",
    )
    ip_address = models.GenericIPAddressField(
        "IP address",
        unpack_ipv4=True,
        validators=[host_address, allowed_network],
        help_text="IPv4 such as 10.0.3.2, or IPv6 such as 2001:db8::7.",
    )
    port = models.PositiveIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(65535)],
        help_text="TCP port on which the node sends its events, 1 to 65535.",
    )
    enabled = models.BooleanField(
        default=True,
        help_text="Connect to this node. The birds of a disabled node are kept.",
    )
    max_events_per_second = models.PositiveIntegerField(
        "most events a second",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_EVENTS_PER_SECOND)],
        help_text="How many events a second are read from this node; it has to wait with more. "
        "Empty: the default, BIRDWATCHER_MAX_EVENTS_PER_SECOND.",
    )
    new_species_a_day = models.PositiveIntegerField(
        "new species a day",
        null=True,
        blank=True,
        validators=[MaxValueValidator(1_000_000)],
        help_text=(
            "How many new species its events may name in a day (UTC); what goes beyond is set "
            "aside until somebody looks at it. Empty: BIRDWATCHER_NEW_SPECIES_A_DAY."
        ),
    )
    # Raising this number makes the daemon restart the node's process (see `nodes.actions`).
    restarts = models.PositiveIntegerField(default=0, db_default=0, editable=False)

    class Meta:
        ordering = ["name", "id"]
        permissions = [("operate_node", "Can enable, disable and restart nodes")]
        constraints = [
            models.UniqueConstraint(
                fields=["ip_address", "port"],
                name="nodes_node_address",
                violation_error_message="There is a node with this IP address and port already.",
            ),
            models.CheckConstraint(
                condition=models.Q(port__gte=1, port__lte=65535),
                name="nodes_node_port",
                violation_error_message="The port must be from 1 to 65535.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.address}"

    @property
    def address(self) -> str:
        """IP address and port as people write them: `10.0.3.2:9999`, `[::1]:9999`."""
        host = f"[{self.ip_address}]" if ":" in self.ip_address else self.ip_address
        return f"{host}:{self.port}"


class NodeStatus(models.Model):
    """The status of a node; only the daemon writes it.

    `since` is when `state` began, `next_try` the time of the next attempt while backing off,
    `last_event_at` when the last event arrived (not when the bird was heard). `error` is the
    current error, empty while all is well; `last_error` the latest one. The counts are since the
    node was added. `recent` is the number of events in each minute up to `recent_minute`, at most
    `RECENT` of them, the newest last (see `nodes.rates`).
    """

    RECENT = 60  # minutes

    node = models.OneToOneField(
        Node, on_delete=models.CASCADE, primary_key=True, related_name="status"
    )
    state = models.CharField(max_length=32, choices=STATES)
    since = models.DateTimeField()
    pid = models.PositiveIntegerField(null=True)
    last_event_at = models.DateTimeField(null=True)
    events = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    reconnects = models.BigIntegerField(default=0)
    error = models.CharField(max_length=255, blank=True, db_default="")
    last_error = models.CharField(max_length=255, blank=True)
    next_try = models.DateTimeField(null=True)
    recent = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    recent_minute = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "node statuses"

    def __str__(self) -> str:
        return f"{self.node_id} {self.state}"


class StatusChange(models.Model):
    """A change of a node's state; only the daemon writes it.

    `detail` is the last error while the state lasted: it is updated in place. The keys have the
    order of the node's events, even if the clock was set back.
    """

    # Enough to see what led to a problem. A host that is dead adds some four rows whenever the
    # daemon is started, and no others, so that its history reaches back as long as it is kept. A
    # node that flaps every second fills it within minutes, and then only the latest changes are of
    # interest.
    KEPT = 500  # of each node
    KEPT_FOR = datetime.timedelta(days=90)

    node = models.ForeignKey(
        Node, on_delete=models.CASCADE, related_name="status_changes", db_index=False
    )
    at = models.DateTimeField("time")
    state = models.CharField(max_length=32, choices=STATES)
    pid = models.PositiveIntegerField("process id", null=True)
    detail = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["node", "-id"], name="nodes_change_node_newest"),
            models.Index(fields=["state", "-id"], name="nodes_change_state_newest"),
            models.Index(fields=["at"], name="nodes_change_oldest"),
        ]

    def __str__(self) -> str:
        return f"{self.state} (node {self.node_id})"


class RejectedPacket(models.Model):
    """A rejected packet and the reason; only the daemon writes it.

    If there are many, only samples are kept, and `NodeStatus.rejected` counts all. `size` is the
    announced size in bytes, `raw` the first bytes.
    """

    # Enough to see what a node does wrong, and less than a megabyte for each node.
    KEPT = 1_000  # of each node
    KEPT_FOR = datetime.timedelta(days=30)

    node = models.ForeignKey(
        Node, on_delete=models.CASCADE, related_name="rejected_packets", db_index=False
    )
    at = models.DateTimeField("time")
    reason = models.CharField(max_length=64, choices=REASONS)
    size = models.BigIntegerField()
    raw = models.BinaryField(max_length=RAW_BYTES)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["node", "-id"], name="nodes_packet_node_newest"),
            models.Index(fields=["reason", "-id"], name="nodes_packet_reason_newest"),
            models.Index(fields=["at"], name="nodes_packet_oldest"),
        ]

    def __str__(self) -> str:
        return f"{self.reason} (node {self.node_id})"

"""How far each stream is committed."""

import datetime

from django.db import models

from birdwatcher.nodes.models import Node


class Checkpoint(models.Model):
    """The last batch of one stream that is committed, written in the same transaction as its birds.

    A batch of the stream whose sequence number is not above `sequence` is in the database already.
    """

    # Since its last commit. A stream that was silent for months does not need its checkpoint: it
    # begins again where its node process says, and everything before that was acknowledged. Only a
    # spool older than this, restored from somewhere, could be committed twice.
    KEPT_FOR = datetime.timedelta(days=90)

    # The unique constraint below begins with the node, which therefore needs no index of its own.
    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="+", db_index=False)
    stream = models.BigIntegerField()
    sequence = models.BigIntegerField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["node", "stream"], name="writer_checkpoint_stream"),
        ]

    def __str__(self) -> str:
        return f"node {self.node_id} stream {self.stream}: {self.sequence}"

"""Which birds were deleted lately, for those who were told of them."""

from __future__ import annotations

import datetime

from django.db import models


class Deletion(models.Model):
    """Some birds, of one node and one species, that one statement deleted; on SQLite, one bird.

    Written by the database itself (see `live.triggers`), and kept for a while only. Neither the
    node nor the species need be there any more: without both, it was all birds, by TRUNCATE, and
    `birds` has the highest key that there was.

    `xact` is the transaction on PostgreSQL, where many delete at the same time and the keys say
    nothing of the order of their commits; 0 on SQLite.
    """

    PROMISED_FOR = datetime.timedelta(days=1)
    # An hour more, because it is dated when the birds were deleted, and seen after the commit.
    KEPT_FOR = PROMISED_FOR + datetime.timedelta(hours=1)

    xact = models.BigIntegerField()
    node_id = models.BigIntegerField(null=True)
    species_id = models.BigIntegerField(null=True)
    birds = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        db_table = "live_deletion"
        indexes = [models.Index(fields=["xact", "id"], name="live_deletion_order")]

    def __str__(self) -> str:
        return f"{len(self.birds)} birds"

"""The birds that were deleted lately, for programs that have got them."""

import datetime

from django.db import models


class Deletion(models.Model):
    """Some birds, of one node and one species, that one statement deleted; on SQLite, one bird.

    Written by triggers of the database (see the folder `birds/sql`), and kept for a while only. The
    node and the species may be deleted, too. Without both, TRUNCATE has deleted all birds, and
    `birds` has the highest key that there was.

    `xact` is the transaction on PostgreSQL, where many may delete at the same time and the keys do
    not follow the order of the commits; 0 on SQLite.
    """

    PROMISED_FOR = datetime.timedelta(days=1)
    # An hour more, because `at` is the time of the statement, and the commit comes later.
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

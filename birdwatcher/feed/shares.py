"""How many birds there are, and each node's share of them: from the counts, whatever their number.

Called in threads, never in a loop; raises django.db.Error.
"""

from __future__ import annotations

from birdwatcher.feed import messages, table
from birdwatcher.feed.messages import Share
from birdwatcher.rollups import queries


def text() -> str:
    """Return the report on all birds, as a message."""
    table.prepare()
    found = queries.by_node()
    total = sum(birds for _, birds in found)
    shares = [
        Share(node.pk, node.name, birds, round(100 * birds / total, 2)) for node, birds in found
    ]
    return messages.report(total, shares)

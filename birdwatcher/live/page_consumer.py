"""The WebSocket on which a page follows the birds.

    /live/birds?since=<id>&node=<id>&species=<id>

All three may be left out. `feed.messages` has the messages, docs/live.md the codes of the end. One
user, or one address without a login, may have 100 open. A page that reconnects with the highest key
that it has got gets nothing twice, and the newest 1,000 of the birds that it missed.
"""

from functools import partial

from birdwatcher.feed.birds import table
from birdwatcher.feed.birds.filter import BirdFilter
from birdwatcher.feed.birds.messages import Birds
from birdwatcher.feed.birds.news import AT_ONCE
from birdwatcher.feed.follower import Follower, Gap
from birdwatcher.feed.messages import Missed
from birdwatcher.live import visitors
from birdwatcher.live.consumer import FollowingConsumer
from birdwatcher.live.query_string import parse, parse_key
from birdwatcher.live.quota import Kind
from birdwatcher.live.visitors import Visitor


class PageConsumer(FollowingConsumer):
    """One open page."""

    kind = Kind.PAGE

    def parse_query(self) -> None:
        """Keep what the query string asks for. Raises QueryError."""
        given = parse(self.scope["query_string"])
        node, species, self._since = (
            parse_key(name, given[name][-1]) if name in given else None
            for name in ("node", "species", "since")
        )
        self._wanted = BirdFilter.of(node, species)

    def visitor(self) -> Visitor:
        """Return the user of the session. Raises django.db.Error."""
        return visitors.visitor(self.scope)

    async def begin(self) -> Follower:
        """Return the follower."""
        return Follower(self._wanted, self._since, self.queue)

    async def fill(self, gap: Gap) -> None:
        """Send the newest of the birds that were missed."""
        since, until = gap.since.key, gap.until.key
        resumed = await self.insist(partial(table.resume, self._wanted, since, until))
        if resumed.left_out or resumed.at_least:
            await self.send(Missed(resumed.left_out, resumed.at_least).encode())
        for at in range(0, len(resumed.birds), AT_ONCE):
            await self.send(Birds(resumed.birds[at : at + AT_ONCE]).encode())

"""The WebSocket on which a page follows the birds.

    /live/birds?since=<id>&node=<id>&species=<id>

All three may be left out. `messages` says what is told. It is closed with 4400 if the address is
nonsense, 4401 if nobody is logged in, 4403 if whoever is may not see birds, 4408 if too little is
taken, 4429 if one user, or one address of strangers, has 100 open already, and 1013 if all places
of this process are taken. A page that comes again with the highest key that it was told
is told nothing twice, and the newest 1,000 of what it missed.
"""

from __future__ import annotations

from functools import partial

from birdwatcher.feed import messages, table
from birdwatcher.feed.followers import Client, Gap
from birdwatcher.feed.table import AT_ONCE
from birdwatcher.feed.wanted import Wanted
from birdwatcher.live import access
from birdwatcher.live.access import Visitor
from birdwatcher.live.asked import key_in, parameters_of
from birdwatcher.live.consumer import FollowingConsumer
from birdwatcher.live.quota import Kind


class BirdsConsumer(FollowingConsumer):
    """One open page."""

    kind = Kind.PAGE

    def read_address(self) -> None:
        """Keep what the address asks for. Raises NonsenseError."""
        given = parameters_of(self.scope["query_string"])
        node, species, self._since = (
            key_in(name, given[name][-1]) if name in given else None
            for name in ("node", "species", "since")
        )
        self._wanted = Wanted.of(node, species)

    def visitor(self) -> Visitor:
        """Return who is logged in. Raises django.db.Error."""
        return access.visitor(self.scope)

    def may_come(self, visitor: Visitor) -> bool:
        """Always: it comes with a page, which is no request to the API."""
        return True

    async def come(self) -> Client:
        """Return who is there."""
        return Client(self._wanted, self._since, self.waiting)

    async def fill(self, gap: Gap) -> None:
        """Tell the newest of the birds that were missed."""
        since, until = gap.since.birds, gap.until.birds
        resumed = await self.insist(partial(table.resume, self._wanted, since, until))
        if resumed.left_out or resumed.at_least:
            await self.send(messages.missed(resumed.left_out, at_least=resumed.at_least))
        for at in range(0, len(resumed.birds), AT_ONCE):
            await self.send(messages.birds(resumed.birds[at : at + AT_ONCE]))

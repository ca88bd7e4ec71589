"""The WebSocket on which a program follows the birds, and misses nothing.

    /api/v1/live?since=<id>&deleted_since=<place>&node=<id>&species=<id or name>

docs/live.md describes it for the authors of programs. A program authenticates with a token
(`Authorization: Bearer ...`) or a session's cookie, and may have 10 open. To open one counts as one
request to the API.

A program that reconnects with the `latest` and the `deletions` of the last heartbeat, or with the
id of a later bird, gets every bird since, each once and as fast as it reads them; then the
deletions, and then the news. A deletion may be sent twice, or for a bird that was not sent.
Deletions of more than a day ago are forgotten, and `deletions_missed` is sent instead.
"""

import asyncio
import time
from functools import partial

from birdwatcher.feed.birds import replay
from birdwatcher.feed.birds.filter import BirdFilter
from birdwatcher.feed.birds.messages import Birds
from birdwatcher.feed.birds.news import deletion_messages
from birdwatcher.feed.birds.recent import KEPT_FOR
from birdwatcher.feed.birds.replay import Piece
from birdwatcher.feed.cursor import Cursor, DeletionToken
from birdwatcher.feed.follower import Gap, ProgramFollower
from birdwatcher.feed.messages import DeletionsMissed, Heartbeat
from birdwatcher.live import query_string, visitors
from birdwatcher.live.consumer import FollowingConsumer
from birdwatcher.live.query_string import QueryError, parse_key
from birdwatcher.live.quota import Kind
from birdwatcher.live.visitors import Visitor

PARAMETERS = ("since", "deleted_since", "node", "species", "species_name")


class ProgramConsumer(FollowingConsumer):
    """One program."""

    kind = Kind.PROGRAM

    def parse_query(self) -> None:
        """Keep what the query string asks for. Raises QueryError."""
        given = query_string.parse(self.scope["query_string"])
        query_string.check_names(given, PARAMETERS)
        self._since = parse_key("since", given["since"][-1]) if "since" in given else None
        self._deleted_since = query_string.deletion_token(given, "deleted_since")
        self._nodes = [parse_key("node", text) for text in query_string.values(given, "node")]
        self._species = query_string.values(given, "species")
        self._names = query_string.values(given, "species_name", whole=True)

    def visitor(self) -> Visitor:
        """Return the owner of the token or session. Raises django.db.Error."""
        return visitors.visitor_of_program(self.scope)

    async def begin(self) -> ProgramFollower:
        """Return the follower, after sending all it missed. Raises QueryError, OSError."""
        self._wanted = BirdFilter(frozenset(self._nodes), frozenset(await self._species_keys()))
        self._dense = False  # whether most of the birds in the last piece were wanted
        token, now = self._deleted_since, time.time()
        if token and token.is_old(now):
            await self.send(DeletionsMissed().encode())
        # Until everything is sent, the tokens that are sent keep the age of the program's own.
        self._token_at = token.at if token else now
        start = partial(replay.start, self._since, token.cursor if token else None)
        cursor = await self.insist(start, self.hub.replays)
        await self._send_heartbeat(cursor)  # so that the program can reconnect from now on
        cursor = await self._replay(cursor, None)
        return ProgramFollower(self._wanted, cursor, self.queue)

    async def fill(self, gap: Gap) -> None:
        """Send what came between the end of the replay and the news."""
        await self._replay(gap.since, gap.until)

    async def _species_keys(self) -> list[int]:
        names = [*self._names, *(text for text in self._species if not text.isdigit())]
        keys = [parse_key("species", text) for text in self._species if text.isdigit()]
        if names:
            found = await self.insist(partial(replay.species_named, names))
            for name in names:
                if name not in found:
                    raise QueryError(f"There is no species {name[:40]!r}.")
            keys += found.values()
        return keys

    async def _replay(self, at: Cursor, until: Cursor | None) -> Cursor:
        """Send everything after `at`, up to `until` or all there is; return where it ended."""
        heartbeat_at = time.monotonic() + self.hub.heartbeat
        with self.hub.replays.held():
            while True:
                piece = await self._next_piece(at, until)
                if piece.end.deletions < at.deletions:
                    # These birds were read a while ago. A program that reconnects with their ids
                    # must also get the deletions since then.
                    self._token_at = min(self._token_at, time.time() - KEPT_FOR)
                    await self._send_heartbeat(Cursor(at.key, piece.end.deletions))
                await self._send_piece(piece)
                if piece.complete:
                    return piece.end
                # More than every second bird: then reading all is as fast, and helps others.
                self._dense = 2 * len(piece.birds) > piece.end.key - at.key
                at = piece.end
                if time.monotonic() >= heartbeat_at:
                    heartbeat_at = time.monotonic() + self.hub.heartbeat
                    await self._send_heartbeat(at)

    async def _next_piece(self, at: Cursor, until: Cursor | None) -> Piece:
        recent = self.hub.recent
        # Let other tasks run: with a piece from memory, nothing else here need wait.
        await asyncio.sleep(0)
        if found := replay.known(recent, self._wanted, at, until):
            return found
        whole = self._dense or self._wanted.everything or recent.is_near(at.key)
        read = partial(replay.piece, recent, self._wanted, at, until, whole=whole)
        return await self.insist(read, self.hub.replays)

    async def _send_heartbeat(self, at: Cursor) -> None:
        token = DeletionToken(at.deletions, int(self._token_at))
        await self.send(Heartbeat(at.key, str(token)).encode())

    async def _send_piece(self, piece: Piece) -> None:
        if piece.birds:
            await self.send(Birds(piece.birds).encode())
        for text in deletion_messages(piece.deleted, self._wanted):
            await self.send(text)

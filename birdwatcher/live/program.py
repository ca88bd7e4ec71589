"""The WebSocket on which a program follows the birds, and misses nothing.

    /api/v1/live?since=<id>&deleted_since=<place>&node=<id>&species=<id or name>

All may be left out; several nodes and species have commas between them, or are repeated. Who is
there says a token (`Authorization: Bearer ...`), or a session's cookie. `messages` says what is
told; the codes with which it is closed come with a sentence, and are those of a page, with 10 open
ones for each token, user or address. To open one is one request of those that the API grants to
them in a minute; whoever has none left is closed with 4429, too.

A program that comes again with the `latest` and the `deletions` of the last heartbeat, or with the
id of a later bird, is told every bird since, each once: as fast as it takes them, then what was
deleted, and then the new ones. A deletion may be told a second time then, and of a bird that never
was told. Those of more than a day ago are forgotten, which is said (`deletions_missed`).
"""

from __future__ import annotations

import asyncio
import time
from functools import partial

from birdwatcher.feed import messages, replay
from birdwatcher.feed.cursor import Place
from birdwatcher.feed.delivery import Removal
from birdwatcher.feed.followers import Gap, Program
from birdwatcher.feed.recent import KEPT_FOR
from birdwatcher.feed.replay import Piece
from birdwatcher.feed.wanted import Wanted
from birdwatcher.live import access, asked
from birdwatcher.live.access import Visitor
from birdwatcher.live.consumer import FollowingConsumer, NonsenseError
from birdwatcher.live.quota import Kind

PARAMETERS = ("since", "deleted_since", "node", "species")


class ProgramConsumer(FollowingConsumer):
    """One program."""

    kind = Kind.PROGRAM

    def read_address(self) -> None:
        """Keep what the address asks for. Raises NonsenseError."""
        given = asked.parameters_of(self.scope["query_string"])
        asked.only(given, PARAMETERS)
        self._since = asked.key_in("since", given["since"][-1]) if "since" in given else None
        self._deleted_since = asked.kept(given, "deleted_since")
        self._nodes = [asked.key_in("node", text) for text in asked.values(given, "node")]
        self._species = asked.values(given, "species")

    def visitor(self) -> Visitor:
        """Return who is there. Raises django.db.Error."""
        return access.visitor_of_program(self.scope)

    def may_come(self, visitor: Visitor) -> bool:
        """Whether they do not come too often: it counts as one request. Raises django.db.Error."""
        return visitor.take_turn()

    async def come(self) -> Program:
        """Return who is there, after telling all they missed. Raises NonsenseError, OSError."""
        self._wanted = Wanted(frozenset(self._nodes), frozenset(await self._species_keys()))
        self._dense = False  # whether most birds are wanted, where it was last looked
        kept, now = self._deleted_since, time.time()
        if kept and kept.is_old(now):
            await self.send(messages.deletions_missed())
        # As long as not all is told, the place that is told stays as old as it is.
        self._told_at = kept.at if kept else now
        start = partial(replay.start, self._since, kept.gone if kept else None)
        place = await self.insist(start, self.hub.replays)
        await self._tell_place(place)  # with which to come again from the first moment on
        place = await self._replay(place, None)
        return Program(self._wanted, place, self.waiting)

    async def fill(self, gap: Gap) -> None:
        """Tell what came between catching up and the news."""
        await self._replay(gap.since, gap.until)

    async def _species_keys(self) -> list[int]:
        names = [text for text in self._species if not text.isdigit()]
        keys = [asked.key_in("species", text) for text in self._species if text.isdigit()]
        if names:
            found = await self.insist(partial(replay.species_named, names))
            for name in names:
                if name not in found:
                    raise NonsenseError(f"There is no species {name[:40]!r}.")
            keys += found.values()
        return keys

    async def _replay(self, at: Place, until: Place | None) -> Place:
        """Tell everything behind `at`, up to `until` or all there is; return how far that was."""
        sign_at = time.monotonic() + self.hub.heartbeat
        with self.hub.replays.held():
            while True:
                piece = await self._next_piece(at, until)
                if piece.place.gone < at.gone:
                    # Of birds that were read a while ago. Who comes again with their ids has to be
                    # told what was deleted since then, too.
                    self._told_at = min(self._told_at, time.time() - KEPT_FOR)
                    await self._tell_place(Place(at.birds, piece.place.gone))
                await self._tell_piece(piece)
                if piece.complete:
                    return piece.place
                # More than every second bird: then all are read as fast, and others need them too.
                self._dense = 2 * len(piece.birds) > piece.place.birds - at.birds
                at = piece.place
                if time.monotonic() >= sign_at:
                    sign_at = time.monotonic() + self.hub.heartbeat
                    await self._tell_place(at)

    async def _next_piece(self, at: Place, until: Place | None) -> Piece:
        recent = self.hub.recent
        # Others have their turn: neither what is known nor sending it need wait for anything.
        await asyncio.sleep(0)
        if found := replay.known(recent, self._wanted, at, until):
            return found
        whole = self._dense or self._wanted.everything or recent.is_near(at.birds)
        read = partial(replay.piece, recent, self._wanted, at, until, whole=whole)
        return await self.insist(read, self.hub.replays)

    async def _tell_place(self, at: Place) -> None:
        await self.send(messages.heartbeat(at.birds, at.gone.text(self._told_at)))

    async def _tell_piece(self, piece: Piece) -> None:
        if piece.birds:
            await self.send(messages.birds(piece.birds))
        for text in Removal(piece.deleted).texts(self._wanted):
            await self.send(text)

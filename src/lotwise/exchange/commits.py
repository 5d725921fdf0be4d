"""Group commits: acts of requests that came together share one write to the disk.

Requests are carried out as they are read; the commit is asked for once and runs after all that the event loop
had ready, so everything that arrived at once is in it. Nothing here decides what is accepted.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from typing import Final

from lotwise.errors import LotwiseError
from lotwise.exchange.venue import Captured, Venue

ROUNDS: Final = 3
"""Rounds of the event loop between the first act and its commit: one reads what came meanwhile, the next
starts what was read, the third carries it out. A round costs microseconds, a commit hundreds of them."""


class GroupCommits:
    """Commits for one venue that is served by an event loop; without a loop each act commits itself."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.commits = 0
        """How many there were."""
        self._is_due = False
        self._keeping: asyncio.Task[None] | None = None
        venue.settle = self.due

    def due(self) -> None:
        """Something waits: commit it with all that comes until then."""
        if self._is_due:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._commit()
            return
        self._is_due = True
        loop.call_soon(self._look, loop, ROUNDS)

    def _look(self, loop: asyncio.AbstractEventLoop, rounds: int) -> None:
        """Commit once nobody else has come for a round, or after the last round."""
        if rounds:
            loop.call_soon(self._look, loop, rounds - 1)
        else:
            self._commit()

    def _commit(self) -> None:
        self._is_due = False
        self.commits += 1
        try:
            self.venue.commit()
        except LotwiseError:
            return  # who waits was told by the venue
        if self._keeping is None and self.venue.is_snapshot_due:
            with suppress(RuntimeError):  # no loop: the venue keeps one when it closes
                loop = asyncio.get_running_loop()
                self._keeping = loop.create_task(self._keep(self.venue.captured()))

    async def kept(self) -> None:
        """Wait until all that was accepted so far is on the disk.

        Raises
        ------
        LotwiseError
            EXCHANGE-112 it never will be.
        """
        venue = self.venue
        if venue.is_pending or venue.is_broken:
            waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            venue.when_kept(
                lambda is_kept: None if waiter.done() else waiter.set_result(is_kept), is_answer=True
            )
            if not await waiter:
                raise LotwiseError(
                    "EXCHANGE-112",
                    "an act could not be written to the disk",
                    "make room and start the server again",
                )

    async def _keep(self, captured: Captured) -> None:
        """Write a snapshot while requests go on: encoded a piece at a time, written by another thread."""
        try:
            number, position, pieces = captured
            body = []
            for piece in pieces:
                body.append(piece)
                await asyncio.sleep(0)
            with suppress(sqlite3.Error):  # a snapshot only: no act is lost, and the next one is tried again
                await asyncio.to_thread(self.venue.journal.keep, number, position, b"".join(body))
        finally:
            self._keeping = None

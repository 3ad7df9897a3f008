"""A centre: what bots send is checked and kept, whoever carries it here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from sqlalchemy.exc import DBAPIError

from neonpay.collection import packing
from neonpay.collection.figures import BotStatus, bots
from neonpay.collection.receiving import OwnBotError, TooManyBotsError, placed_events, receive
from neonpay.collection.telling import Kept
from neonpay.collection.wire import Accepted, Batch, Problem, RealTime, decoded
from neonpay.core.clock import Clock
from neonpay.core.text import error_words
from neonpay.core.webhook_signing import SignatureError, verify
from neonpay.errors import LedgerError, ValidationError
from neonpay.ledger import Ledger

WAITING_MAX: Final = 64
"""Batches that may wait for the ledger; one more is told to come again."""
COME_AGAIN_S: Final = 2
AWAY_S: Final = 8
_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a centre says to a batch.

    Attributes:
        status: of HTTP.
        retry_after_s: when to come again; None when that makes no difference.
    """

    status: int
    body: Accepted | Problem
    retry_after_s: int | None = None


@dataclass(slots=True)
class Centre:
    """Keeps what bots send.

    Attributes:
        ledger: where it is kept; opened when it is first asked for.
        keys: of the secrets with which batches are signed; none where every batch is taken that comes from this machine.
        takes_unsigned: whether a batch without a signature is taken from whoever sits at this machine.
        token: with which programs read figures; None for nobody.
        kept: told of each batch that was kept, with its events.
        names: what bots were registered as with a manager of this program, by their numbers; it may take a while.
        own_stats: what the collector of this program has sent itself, for the status.
    """

    ledger: Callable[[], Awaitable[Ledger]]
    clock: Clock
    keys: Sequence[bytes] = field(default=(), repr=False)
    takes_unsigned: bool = False
    token: str | None = field(default=None, repr=False)
    own_stats: Callable[[], Mapping[str, Any]] | None = None
    kept: Kept | None = None
    names: Callable[[], Mapping[int, str]] | None = None
    refused: int = 0
    """Batches that were not taken since this program began."""
    _waiting: int = 0

    async def take(
        self,
        kind: type[Batch | RealTime],
        content_type: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        from_here: bool,
    ) -> Answer:
        """Check a body and keep what is in it; the answer to whoever has sent it.

        Args:
            from_here: whether whoever sends it sits at this machine.
        """
        now_us = self.clock.now_us()
        try:
            self._check_signature(headers, body, now_us // _US, from_here=from_here)
            if content_type == packing.GZIP:
                body = packing.unpacked(body)
            elif content_type != packing.JSON:
                return self._no(415, "kind", f"send {packing.JSON}, or {packing.GZIP} with its gzip")
            batch = decoded(kind, body)
            events, moved = placed_events(batch, now_us, is_single=kind is RealTime)
        except SignatureError as exc:
            return self._no(401, exc.error, str(exc))
        except packing.TooLongError as exc:
            return self._no(413, "too_long", str(exc))
        except ValidationError as exc:
            return self._no(400, "invalid", str(exc))
        if self._waiting >= WAITING_MAX:
            return self._no(503, "busy", "too many batches wait here; send it again", COME_AGAIN_S)
        self._waiting += 1
        try:
            ledger = await self.ledger()
            accepted, told = await ledger.run(
                receive, batch, events, moved, now_us, is_signed=bool(self.keys) and "webhook-signature" in headers
            )
            if self.kept is not None:
                # A manager over a ledger of its own waits for that, and the loop here may be that of a bot that sells.
                await asyncio.to_thread(self.kept, batch, told)
            return Answer(200, accepted)
        except OwnBotError as exc:
            return self._no(403, "own_bot", str(exc))
        except TooManyBotsError as exc:
            return self._no(403, "too_many_bots", str(exc))
        except (LedgerError, DBAPIError, TimeoutError) as exc:
            return self._no(503, "ledger", f"the centre cannot keep it for now: {error_words(exc)}", AWAY_S)
        finally:
            self._waiting -= 1

    async def bots(self, limit_s: float) -> list[BotStatus]:
        """Every bot that has sent something, by the name that it was registered with, else by its own.

        Raises:
            LedgerTimeoutError: it took longer than that.
            LedgerError: the ledger, or that of the manager, cannot be used.
        """
        known = await (await self.ledger()).report(limit_s, bots)
        names = {} if self.names is None else await asyncio.to_thread(self.names)
        return [msgspec.structs.replace(bot, name=names.get(bot.bot_id, bot.name)) for bot in known]

    def _check_signature(self, headers: Mapping[str, str], body: bytes, now_s: int, *, from_here: bool) -> None:
        signed = "webhook-signature" in headers
        if self.takes_unsigned and from_here and (not signed or not self.keys):
            return
        if not self.keys:
            msg = "this centre has no secret, and takes batches from its own machine alone"
            raise SignatureError(msg)
        verify(self.keys, headers, body, now_s)

    def _no(self, status: int, error: str, message: str, retry_after_s: int | None = None) -> Answer:
        self.refused += 1
        return Answer(status, Problem(error=error, message=message[:500]), retry_after_s)

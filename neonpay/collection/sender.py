"""Empties an outbox towards the centre, batch by batch, and counts what became of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from neonpay.collection.config import EventCollectorConfig
from neonpay.collection.courier import CentreAwayError, CentreRefusedError, Courier
from neonpay.collection.outbox import Outbox, Parcel
from neonpay.collection.wire import Accepted
from neonpay.core.retrying import RetryPolicy

logger = logging.getLogger("neonpay.collection")

_PAUSE_MOST_S: Final = 300.0


@dataclass(slots=True)
class Sent:
    """What has been sent since the program began.

    Attributes:
        events: how many the centre has from here.
        repeated: how many of them it had already.
        shed: how many were not held, because there was no room.
        refused: how many the centre does not want.
        last_error: what was in the way the last time; None when nothing was.
    """

    events: int = 0
    repeated: int = 0
    batches: int = 0
    shed: int = 0
    refused: int = 0
    last_error: str | None = None


class Sender:
    """Sends what an outbox holds; one caller at a time.

    Args:
        name_of: what people call a bot, where that is known.
        sent: what has been sent before, and is counted on.
        sleep: waits between attempts.
    """

    def __init__(
        self,
        config: EventCollectorConfig,
        courier: Courier,
        *,
        name_of: Callable[[int], str | None],
        sent: Sent | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._courier = courier
        self._name_of = name_of
        self._batch_size = config.batch_size
        self.sent = sent or Sent()
        self._has_said_beside = False
        self.refused_bots: set[int] = set()
        """Bots of which the centre did not want something."""
        self.policy = RetryPolicy(
            on=_is_worth_it,
            attempts=config.max_retries,
            first_pause_s=config.retry_delay,
            most_pause_s=max(_PAUSE_MOST_S, config.retry_delay),
            total_s=None,
            sleep=sleep,
        )

    async def empty(self, outbox: Outbox, bot_id: int, *, attempts: int | None = None) -> None:
        """Send all that waits of a bot.

        Args:
            attempts: for each batch; as many as the settings say when left out.

        Raises:
            CentreAwayError: the centre does not take it now; what was not sent waits on.
            LedgerError: the outbox cannot be read.
        """
        policy = self.policy if attempts is None else replace(self.policy, attempts=attempts)
        while (parcel := await outbox.next(bot_id, self._batch_size)) is not None:
            async for attempt in policy:
                with attempt:
                    await self.send(outbox, parcel)

    async def send(self, outbox: Outbox, parcel: Parcel) -> None:
        """Send one parcel; it is done afterwards, or refused.

        Raises:
            CentreAwayError: the centre does not take it now.
        """
        known_as = parcel.alias or parcel.bot_id
        try:
            accepted = await self._courier.deliver(known_as, self._name_of(parcel.bot_id), parcel.events)
        except CentreRefusedError as exc:
            self.sent.refused += len(parcel.events)
            self.refused_bots.add(parcel.bot_id)
            self.sent.last_error = str(exc)
            logger.error("%d events of bot %s are not sent: %s", len(parcel.events), known_as, exc)  # noqa: TRY400
            await outbox.refused(parcel, str(exc))
            return
        except CentreAwayError as exc:
            if self.sent.last_error is None:
                logger.warning("events wait for the centre: %s", exc)
            self.sent.last_error = str(exc)
            raise
        self.took(len(parcel.events), accepted)
        if accepted.beside and not self._has_said_beside:
            self._has_said_beside = True
            logger.warning(
                "the centre keeps nothing that this collector tells of payments and subscriptions of bot %s: Collection() "
                "sends them from its ledger. If that bot uses Collection() no more, tell the collector a ledger_left of it",
                known_as,
            )
        await outbox.done(parcel)

    def took(self, events: int, accepted: Accepted) -> None:
        """Count what the centre has taken."""
        if self.sent.last_error is not None:
            logger.info("the centre takes events again")
        self.sent.events += events
        self.sent.repeated += events - accepted.new - accepted.forgotten - accepted.beside
        self.sent.batches += 1
        self.sent.last_error = None


def _is_worth_it(error: Exception) -> bool:
    """A centre that says when to come again is not asked before."""
    return isinstance(error, CentreAwayError) and error.retry_after_s is None

"""Collection as an extension: what a shop tracks and what its ledger knows goes to a centre, through restarts of both."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

from neonpay.books.sealing import seal_next
from neonpay.collection.bot_numbers import bot_title
from neonpay.collection.config import EventCollectorConfig, checked_config
from neonpay.collection.courier import CentreAwayError, CentreRefusedError, Courier
from neonpay.collection.facts import ledger_tells, next_facts
from neonpay.collection.outbox import LedgerOutbox, hold
from neonpay.collection.sender import Sender, Sent
from neonpay.collection.wire import Accepted
from neonpay.core.clock import Clock
from neonpay.core.retrying import RetryPolicy
from neonpay.ledger import Ledger, Transaction
from neonpay.payments.extension import Extension, Host
from neonpay.store.periodic import PeriodicTask, Turn
from neonpay.tracking import SoftEvent
from neonpay.tracking.buffer import SoftBuffer

logger = logging.getLogger("neonpay.collection")

FACTS_AT_ONCE: Final = 500
"""Events of the ledger that one batch looks at."""
_NOT_OPEN_S: Final = 1.0
_SAID_EVERY_US: Final = 24 * 3600 * 1_000_000
"""How often a centre is told that the ledger tells, which it believes for a week."""
_TELL_EVERY_US: Final = 60 * 1_000_000
_PARCELS_IN_A_TURN: Final = 50
"""After so many the turn ends and the next one begins, long before its lease does."""


@dataclass(slots=True)
class _Open:
    ledger: Ledger
    outbox: LedgerOutbox
    courier: Courier
    sender: Sender
    clock: Clock
    said_ledger_us: int | None = None


class Collection(Extension):
    """Sends to a centre: ``neonpay.use(Collection(EventCollectorConfig("https://centre.example", secret="whsec_…")))``.

    Payments, refunds and what else the ledger knows are sent by the number of their events, and soft events (``Tracking``,
    ``track_event``) from an outbox that is written in the transaction that keeps them. Both wait in the ledger while the centre
    is away, however often this program is started again. No sale waits for any of it. One program of the shop sends at a time.

    Args:
        config: where to, how often, and how much at once. ``enable_real_time`` is for collectors; a shop sends each
            ``collection_interval_seconds``.
        bot_name: what people call the bot.
        sends_payments: whether what the ledger knows is sent, or soft events alone.

    Raises:
        ConfigurationError: ``config`` is none; aiohttp is not installed, when the shop opens.
        ValidationError: the name is none that a centre takes.
    """

    name = "collection"

    def __init__(
        self, config: EventCollectorConfig, *, bot_name: str | None = None, sends_payments: bool = True
    ) -> None:
        self._config = checked_config(config)
        self._bot_name = None if bot_name is None else bot_title(bot_name)
        self._sends_payments = sends_payments
        self._open: _Open | None = None
        self._failures = 0
        self._again = RetryPolicy(
            on=CentreAwayError,
            attempts=None,
            first_pause_s=config.retry_delay,
            most_pause_s=max(config.retry_delay, config.collection_interval_seconds),
            total_s=None,
        )
        self._sent = Sent()
        self._told_us: int | None = None

    def get_stats(self) -> dict[str, Any]:
        """What this program has sent since it began, as ``json.dumps`` takes it.

        ``shed`` are soft events that are in the ledger and are not sent, because as many waited as ``max_held`` says.
        """
        sent = asdict(self._sent)
        return {"sent_events": sent.pop("events"), "sent_batches": sent.pop("batches"), **sent}

    def count_into(self, buffer: SoftBuffer) -> None:
        """What is written from there is held for the centre in the same transaction."""
        buffer.also = self._hold

    def periodic(self) -> Sequence[PeriodicTask]:
        """The turn that sends what waits."""
        return (PeriodicTask("send", self._config.collection_interval_seconds, self._send, at_start=True),)

    @asynccontextmanager
    async def running(self, host: Host) -> AsyncIterator[None]:
        """Send from the ledger of the shop while it is open."""
        courier = Courier(self._config, host.clock)
        sender = Sender(self._config, courier, name_of=lambda _: self._bot_name, sent=self._sent)
        opened = _Open(host.ledger, LedgerOutbox(host.ledger, self._config.max_held), courier, sender, host.clock)
        await opened.outbox.forgive()
        self._open = opened
        try:
            yield
        finally:
            if self._open is opened:  # and not that of a shop which was opened on another event loop meanwhile
                self._open = None
            await courier.close()

    def _hold(self, transaction: Transaction, events: Sequence[SoftEvent]) -> None:
        shed = hold(transaction, None, events, self._config.max_held)
        self._sent.shed += shed
        opened = self._open
        if shed and opened is not None:
            now_us = opened.clock.now_us()
            if self._told_us is None or now_us - self._told_us >= _TELL_EVERY_US:
                self._told_us = now_us
                logger.warning(
                    "%d soft events are not sent to the centre, %d so far: %d wait for it already; they are in the ledger",
                    shed,
                    self._sent.shed,
                    self._config.max_held,
                )

    async def _send(self, turn: Turn) -> float | None:
        opened = self._open
        if opened is None:
            return _NOT_OPEN_S
        try:
            is_done = await self._send_facts(opened, turn) if self._sends_payments else True
            is_done &= await self._send_outbox(opened, turn.bot_id)
        except CentreAwayError as exc:
            self._failures += 1
            if self._failures == 1:
                logger.warning("events wait for the centre: %s", exc)
            return self._again.pause_s(self._failures, exc)
        if self._failures:
            logger.info("the centre takes events again")
        self._failures = 0
        return None if is_done else 0.0

    async def _send_facts(self, opened: _Open, turn: Turn) -> bool:
        """Send facts and remember up to which number; whether none is left."""
        after = turn.position
        now_us = opened.clock.now_us()
        if opened.said_ledger_us is None or now_us - opened.said_ledger_us >= _SAID_EVERY_US:
            # Before the first sale, which a collector of the same bot may tell of as well, and sooner.
            await self._deliver(opened, turn.bot_id, [ledger_tells(turn.bot_id, now_us)])
            opened.said_ledger_us = now_us
        for _ in range(_PARCELS_IN_A_TURN):
            numbered = await opened.ledger.run(seal_next, turn.bot_id, FACTS_AT_ONCE)
            last, facts = await opened.ledger.read(next_facts, turn.bot_id, after, FACTS_AT_ONCE)
            if last == after:
                return True
            if facts:
                accepted = await self._deliver(opened, turn.bot_id, facts)
                opened.sender.took(len(facts), accepted)
            # A program that is killed before this sends them again, and the centre knows them.
            await opened.ledger.run(_save, turn, last)
            if numbered < FACTS_AT_ONCE and last - after < FACTS_AT_ONCE:
                return True  # what has come since goes with the next: somebody may buy all the time
            after = last
        return False

    async def _deliver(self, opened: _Open, bot_id: int, facts: Sequence[bytes]) -> Accepted:
        try:
            return await opened.courier.deliver(bot_id, self._bot_name, facts)
        except CentreRefusedError as exc:
            # Nothing is stepped over: the centre is mended, or this program, and what it refused goes then.
            raise CentreAwayError(str(exc)) from exc

    async def _send_outbox(self, opened: _Open, bot_id: int) -> bool:
        for _ in range(_PARCELS_IN_A_TURN):
            parcel = await opened.outbox.next(bot_id, self._config.batch_size)
            if parcel is None:
                return True
            await opened.sender.send(opened.outbox, parcel)
        return False


def _save(transaction: Transaction, turn: Turn, position: int) -> None:
    turn.save(transaction, position=position)

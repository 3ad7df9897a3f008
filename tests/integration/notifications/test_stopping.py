"""A program that stops while it sends leaves nothing that is sent again, and nothing that waits until nobody can be at it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay.core.clock import moment
from neonpay.ledger import open_ledger
from neonpay.ledger.tables_notifications import notifications
from neonpay.notifications import Manners, NotificationConfig, NotificationType, queue
from neonpay.notifications.channels import Means, open_channel
from neonpay.notifications.note import Note, note_id
from neonpay.notifications.queue import Queued
from neonpay.notifications.sender import Sender
from neonpay.store.periodic import PeriodicStore
from tests.integration.conftest import MovableClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.ledger import Ledger, Transaction
    from tests.integration.notifications.conftest import Receiver

BOT = 7_000_001
READINGS = 12
"""More than a program takes to send one message."""


class FatefulClock(MovableClock):
    """Time that stands still, and a reading at which somebody stops the program."""

    def __init__(self, at: int, stop: Callable[[], object]) -> None:
        super().__init__()
        self._left = at
        self._stop = stop

    def now_us(self) -> int:
        self._left -= 1
        if self._left == 0:
            self._stop()
        return super().now_us()


async def waits(ledger: Ledger, receiver: Receiver) -> None:
    """A message that is due."""
    now_us = MovableClock().now_us()
    made = Note(
        note_id=note_id("one"),
        channel=NotificationType.WEBHOOK,
        recipient=receiver.url,
        subject="Sold",
        body="-",
        kind="payment_completed",
        at=moment(now_us),
    )
    await ledger.run(queue.put, BOT, [Queued(note=made, due_at_us=now_us)])


async def states(ledger: Ledger) -> list[str]:
    """How each message is."""

    def read(transaction: Transaction) -> list[str]:
        return list(transaction.connection.scalars(sa.select(notifications.c.state)))

    return await ledger.read(read)


async def sends(ledger: Ledger, clock: MovableClock, token: int) -> None:
    means = Means(NotificationConfig(), clock)
    book = PeriodicStore(ledger, BOT, new_token=lambda: token)
    sender = Sender(
        NotificationType.WEBHOOK,
        lambda: open_channel(NotificationType.WEBHOOK, means),
        ledger,
        clock,
        manners=Manners(),
    )
    turn = await book.take("notifications:webhook", early=True)
    assert turn is not None
    try:
        await sender.turn(turn)
    finally:
        await sender.close()
        await book.end(turn, next_in_s=0.0)


async def test_what_is_under_way_when_a_program_stops_is_answered_and_sent_once(
    database_url: str, receiver: Receiver
) -> None:
    ledger = open_ledger(database_url)
    await waits(ledger, receiver)
    receiver.hangs = True
    first = asyncio.ensure_future(sends(ledger, MovableClock(), 1))
    await receiver.has(1)
    first.cancel()
    receiver.goes_on.set()
    await asyncio.wait({first})
    await sends(ledger, MovableClock(), 2)
    state = await states(ledger)
    await ledger.close()

    assert (first.cancelled(), state, len(receiver.got)) == (True, ["sent"], 1)


@pytest.mark.parametrize("reading", range(1, READINGS + 1))
async def test_whenever_a_program_stops_each_message_goes_out_once_and_at_once(
    database_url: str, receiver: Receiver, reading: int
) -> None:
    ledger, loop = open_ledger(database_url), asyncio.get_running_loop()
    await waits(ledger, receiver)
    clock = FatefulClock(reading, lambda: loop.call_soon_threadsafe(first.cancel))
    first = asyncio.ensure_future(sends(ledger, clock, 1))
    await asyncio.wait({first})

    await sends(ledger, MovableClock(), 2)
    state = await states(ledger)
    await ledger.close()

    assert state == ["sent"]
    assert len(receiver.got) == 1

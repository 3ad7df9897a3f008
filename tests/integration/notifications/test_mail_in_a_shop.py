"""What a mail server says to a shop at work: later, never to one of several, and not now at all."""

from __future__ import annotations

import email
from email.policy import default
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay.ledger.tables_notifications import notification_attempts, notifications
from neonpay.notifications import NotificationConfig, Notifications, NotificationType, Rule
from tests.integration.notifications.conftest import as_time_passes
from tests.integration.notifications.mail_servers import Plain, plain
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import MovableClock, Shop

ROW, TRIED = notifications.c, notification_attempts.c
OLGA, OLEG, OMAR = (f"{name}@example.com" for name in ("olga", "oleg", "omar"))


async def nothing(payment: Any) -> None:
    """There is nothing to deliver."""


def telling(shop: Shop, letters: Plain, *recipients: str) -> Shop:
    config = NotificationConfig(
        smtp_host="localhost", smtp_port=letters.port, smtp_from="shop@example.com", smtp_use_tls=False
    )
    sold = Rule(
        name="sold",
        events=frozenset({"payment_completed"}),
        channel=NotificationType.EMAIL,
        recipients=recipients,
    )
    shop.neonpay.on_payment(nothing)
    shop.neonpay.use(Notifications(config, rules=[sold]))
    return shop


async def ended(query: Callable[..., Any], *, waiting: int = 0) -> list[tuple[Any, ...]]:
    """Recipient, state, attempts and error of each message, once no more than so many wait."""
    rows = sa.select(ROW.recipient, ROW.state, ROW.attempts, ROW.error).order_by(ROW.recipient)
    while True:
        found: list[tuple[Any, ...]] = await query(rows)
        if found and sum(state == "waiting" for _, state, *_ in found) <= waiting:
            return found


async def test_a_server_that_wants_it_later_gets_the_same_message_later(
    open_shop: Callable[..., Shop], query: Callable[..., Any], clock: MovableClock
) -> None:
    async with plain() as letters:
        letters.refusals += ["451 4.7.1 greylisted, come back later"] * 2
        shop = telling(open_shop(), letters, OLGA)
        async with shop.polling():
            outcome = await shop.sells(await shop.visitor("Ann"))
            found = await as_time_passes(clock, ended(query))
        assert found == [(OLGA, "sent", 3, None)]
        ((note_id,),) = await query(sa.select(ROW.note_id))
        (letter,) = [email.message_from_bytes(raw, policy=default) for *_, raw in letters.got]
        assert letter["Message-ID"] == f"<{note_id}@example.com>"
        assert outcome.charge_id
        tries = await query(sa.select(TRIED.attempt, TRIED.error).order_by(TRIED.attempt))
        later = "email: the mail server answered 451: 4.7.1 greylisted, come back later"
        assert tries == [(1, later), (2, later), (3, None)]


async def test_who_is_refused_for_good_is_told_of_and_the_others_get_theirs(
    open_shop: Callable[..., Shop], query: Callable[..., Any], clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with plain() as letters:
        letters.refused[OLEG] = f"550 5.1.1 <{OLEG}>: no such mailbox"
        shop = telling(open_shop(), letters, OLGA, OLEG, OMAR)
        async with shop.polling():
            ann = await shop.visitor("Ann")
            await shop.sells(ann)
            first = await as_time_passes(clock, ended(query))
            await shop.sells(ann)
            clock.advance(6 * 3600)
            while len(second := await as_time_passes(clock, ended(query))) < 6:
                await between_looks()
    refused = (OLEG, "dead", 1, "email: the mail server answered 550: 5.1.1 <…>: no such mailbox")
    assert first == [refused, (OLGA, "sent", 1, None), (OMAR, "sent", 1, None)]
    assert second == [refused] * 2 + [(OLGA, "sent", 1, None)] * 2 + [(OMAR, "sent", 1, None)] * 2
    assert sorted(recipients for _, recipients, _ in letters.got) == [[OLGA], [OLGA], [OMAR], [OMAR]]
    given_up = [one.getMessage() for one in caplog.records if "is given up" in one.getMessage()]
    assert len(given_up) == 2
    assert OLEG not in "".join(given_up)


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
async def test_a_server_that_closes_in_the_middle_gets_it_once_when_it_is_back(
    open_shop: Callable[..., Shop], query: Callable[..., Any], clock: MovableClock, command: str
) -> None:
    async with plain(closes_at=command) as letters:
        shop = telling(open_shop(), letters, OLGA)
        async with shop.polling():
            await shop.sells(await shop.visitor("Ann"))
            while not await query(sa.select(TRIED.attempt)):
                await between_looks()
            letters.closes_at = ""
            found = await as_time_passes(clock, ended(query))
    assert found == [(OLGA, "sent", 2, None)]
    tries = await query(sa.select(TRIED.error).order_by(TRIED.attempt))
    assert tries == [("email: the mail server answered 421: 4.3.2 closing for a moment",), (None,)]
    assert [recipients for _, recipients, _ in letters.got] == [[OLGA]]

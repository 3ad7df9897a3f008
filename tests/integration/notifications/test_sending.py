"""What a shop tells: once, through restarts, and in nobody's way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from aiohttp import web

from neonpay.errors import RejectPayment
from neonpay.ledger.tables_notifications import notification_attempts, notifications
from neonpay.notifications import (
    Manners,
    NotificationConfig,
    NotificationManager,
    NotificationMessage,
    NotificationPriority,
    Notifications,
    NotificationType,
    QuietHours,
    Rule,
)
from tests.integration.notifications.conftest import as_time_passes
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from tests.integration.conftest import MovableClock, Shop
    from tests.integration.notifications.conftest import Letters, Receiver

ROW = notifications.c
MINUTE_US = 60 * 1_000_000


def sold(receiver: Receiver, **changed: Any) -> Rule:
    given: dict[str, Any] = {
        "name": "sold",
        "events": frozenset({"payment_completed"}),
        "channel": NotificationType.WEBHOOK,
        "recipients": (receiver.url,),
    }
    return Rule(**{**given, **changed})


async def nothing(payment: Any) -> None:
    """There is nothing to deliver."""


def told(receiver: Receiver) -> list[str]:
    return [json.loads(post.body)["data"]["charge_id"] for post in receiver.got]


async def ended(query: Callable[..., Any], count: int) -> list[tuple[Any, ...]]:
    """The states of so many messages that wait no more."""
    while len(found := await query(sa.select(ROW.state).where(ROW.state != "waiting"))) < count:
        await between_looks()
    return found


async def test_an_event_is_told_once_per_rule_and_recipient_however_often_it_is_asked_for(
    open_shop: Callable[..., Shop], receiver: Receiver, query: Callable[..., Any]
) -> None:
    shop = open_shop()
    shop.neonpay.on_payment(nothing)
    extension = shop.neonpay.use(Notifications(rules=[sold(receiver), sold(receiver, name="again")]))
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor("Ann"))
        await receiver.has(2)
        await extension.tell(await shop.fact("payment_completed"))
        await ended(query, 2)
    assert told(receiver) == [outcome.charge_id] * 2
    assert len({post.headers["webhook-id"] for post in receiver.got}) == 2
    assert await query(sa.select(ROW.state, ROW.attempts)) == [("sent", 1)] * 2


async def test_what_waits_goes_out_after_a_restart_under_the_same_id(
    open_shop: Callable[..., Shop], receiver: Receiver, query: Callable[..., Any], clock: MovableClock
) -> None:
    receiver.answers += [web.Response(status=503)]
    shop = open_shop()
    shop.neonpay.on_payment(nothing)
    shop.neonpay.use(Notifications(rules=[sold(receiver)]))
    async with shop.polling():
        await shop.sells(await shop.visitor("Ann"))
        while await query(sa.select(ROW.error)) != [("webhook: answered 503",)]:
            await between_looks()
    await shop.neonpay.close()
    clock.advance(200)
    again = open_shop()
    again.neonpay.on_payment(nothing)
    again.neonpay.use(Notifications(rules=[sold(receiver)]))
    async with again.polling():
        first, second = await receiver.has(2)
        await ended(query, 1)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    attempts = notification_attempts.c
    errors = await query(sa.select(attempts.attempt, attempts.error).order_by(attempts.attempt))
    assert errors == [(1, "webhook: answered 503"), (2, None)]


async def test_a_dead_channel_and_a_dead_recipient_keep_no_other_from_being_told(
    open_shop: Callable[..., Shop],
    receiver: Receiver,
    receiver_of: Callable[[], AbstractAsyncContextManager[Receiver]],
    query: Callable[..., Any],
) -> None:
    async with receiver_of() as hanging:
        hanging.hangs = True
        shop = open_shop()
        shop.neonpay.on_payment(nothing)
        config = NotificationConfig(slack_webhook_url=hanging.url, timeout_s=30)
        slack = sold(receiver, name="slack", channel=NotificationType.SLACK, recipients=())
        both = sold(receiver, recipients=(hanging.url, receiver.url))
        shop.neonpay.use(Notifications(config, rules=[slack, both]))
        async with shop.polling():
            outcome = await shop.sells(await shop.visitor("Ann"))
            await shop.delivers(outcome)
            await hanging.has(2)
            await receiver.has(1)
            await ended(query, 1)
    assert told(receiver) == [outcome.charge_id]


async def test_one_that_is_refused_is_a_dead_letter_with_the_answer_in_it(
    open_shop: Callable[..., Shop], receiver: Receiver, query: Callable[..., Any]
) -> None:
    receiver.answers += [web.Response(status=410, text="gone fishing")]
    shop = open_shop()
    shop.neonpay.on_payment(nothing)
    shop.neonpay.use(Notifications(rules=[sold(receiver)]))
    async with shop.polling():
        await shop.sells(await shop.visitor("Ann"))
        await ended(query, 1)
    assert await query(sa.select(ROW.state, ROW.error)) == [("dead", "webhook: answered 410: gone fishing")]


async def test_many_of_a_kind_are_one_message(
    open_shop: Callable[..., Shop], query: Callable[..., Any], clock: MovableClock
) -> None:
    shop = open_shop()
    shop.neonpay.on_payment(nothing)
    owner = await shop.visitor("Owner")
    gathers = Rule(name="sold", events=frozenset({"payment_completed"}), gather_s=300)
    shop.neonpay.use(Notifications(rules=[gathers], owners=[owner.id]))
    async with shop.polling():
        ann = await shop.visitor("Ann")
        for _ in range(3):
            await shop.sells(ann)
            clock.advance(30)
        await shop.fact("payment_completed", count=3)
        while len(await query(sa.select(ROW.note_id))) < 3:
            await between_looks()
        clock.advance(300)
        message = await as_time_passes(clock, owner.hears(shop.account, containing="×"))
        states = await ended(query, 3)
    assert message.text is not None
    assert "× 3" in message.text
    assert sorted(states) == [("merged",), ("merged",), ("sent",)]


async def test_in_quiet_hours_only_what_is_critical_is_said(
    open_shop: Callable[..., Shop], query: Callable[..., Any], clock: MovableClock
) -> None:
    shop = open_shop()

    async def refuses(payment: Any) -> None:
        raise RejectPayment("sold out")

    shop.neonpay.on_payment(refuses)
    owner = await shop.visitor("Owner")
    # By the clock of the tests it is 15:13 in London.
    manners = Manners(quiet=QuietHours("14:00", "13:00", zone="Europe/London"))
    rules = [
        Rule(name="sold", events=frozenset({"payment_completed"})),
        Rule(name="back", events=frozenset({"payment_rejected"}), priority=NotificationPriority.CRITICAL),
    ]
    shop.neonpay.use(Notifications(rules=rules, owners=[owner.id], manners=manners))
    async with shop.polling():
        await shop.sells(await shop.visitor("Ann"))
        await owner.hears(shop.account, containing="Rejected")
        held = sa.select(ROW.state, ROW.gathered).where(ROW.kind == "payment_completed")
        while await query(held) != [("waiting", "held")]:
            await between_looks()
        clock.advance(22 * 3600)
        await as_time_passes(clock, owner.hears(shop.account, containing="Sold"))
        await ended(query, 2)
    assert await query(held) == [("sent", "held")]


async def test_a_message_of_the_program_goes_through_the_jobs_of_the_shop(
    open_shop: Callable[..., Shop], receiver: Receiver, query: Callable[..., Any]
) -> None:
    shop = open_shop()
    manager = NotificationManager(NotificationConfig(webhook_url=receiver.url), neonpay=shop.neonpay)
    async with shop.polling():
        sent = await manager.send_notification(NotificationMessage(NotificationType.WEBHOOK, "", body="Tea"))
        assert sent.state == "waiting"
        (post,) = await receiver.has(1)
        await ended(query, 1)
    assert json.loads(post.body)["data"]["body"] == "Tea"


async def test_a_rule_whose_channel_is_not_set_up_is_told_at_the_start(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()
    by_mail = Rule(name="mail", events=frozenset({"payment_completed"}), channel=NotificationType.EMAIL)
    shop.neonpay.use(Notifications(rules=[by_mail]))
    with pytest.raises(Exception, match="rule 'mail' tells by email, which needs smtp_host"):
        await shop.neonpay.setup()


async def test_an_erased_buyer_is_in_no_message_whichever_program_erases(
    open_shop: Callable[..., Shop], receiver: Receiver, query: Callable[..., Any]
) -> None:
    shop = open_shop()
    shop.neonpay.on_payment(nothing)
    shop.neonpay.use(Notifications(rules=[sold(receiver)]))
    async with shop.polling():
        ann = await shop.visitor("Ann")
        await shop.sells(ann)
        await ended(query, 1)
        kept = await shop.neonpay.people.export(ann.id)
        assert [one["kind"] for one in kept["extensions"]["notifications"]["notifications"]] == ["payment_completed"]
    async with open_shop().neonpay as of_the_command:
        erased = await of_the_command.people.erase(ann.id)
    assert erased.removed["notifications"] == 1
    assert await query(sa.select(ROW.note_id)) == []
    assert await query(sa.select(notification_attempts.c.note_id)) == []


async def test_a_program_without_a_channel_leaves_its_messages_to_one_that_has_it(
    open_shop: Callable[..., Shop], letters: Letters, query: Callable[..., Any]
) -> None:
    by_mail = Rule(
        name="mail",
        events=frozenset({"payment_completed"}),
        channel=NotificationType.EMAIL,
        recipients=("owner@example.com",),
    )
    panel, bot = open_shop(), open_shop()
    panel.neonpay.use(Notifications())
    config = NotificationConfig(
        smtp_host="localhost",
        smtp_port=letters.port,
        smtp_username="shop@example.com",
        smtp_password="tea",
        smtp_ca_file=letters.ca_file,
    )
    bot.neonpay.on_payment(nothing)
    bot.neonpay.use(Notifications(config, rules=[by_mail]))
    async with panel.neonpay, bot.polling():
        await bot.sells(await bot.visitor("Ann"))
        await ended(query, 1)
    assert await query(sa.select(ROW.state, ROW.attempts)) == [("sent", 1)]
    assert len(letters.got) == 1


async def test_nobody_waits_for_a_recipient_who_does_not_answer(
    open_shop: Callable[..., Shop],
    receiver: Receiver,
    receiver_of: Callable[[], AbstractAsyncContextManager[Receiver]],
) -> None:
    shop = open_shop()
    shop.neonpay.on_payment(nothing)
    async with receiver_of() as mute:
        mute.hangs = True
        rules = [sold(mute, name="mute"), sold(receiver)]
        shop.neonpay.use(Notifications(NotificationConfig(timeout_s=30), rules=rules))
        async with shop.polling():
            first = await shop.sells(await shop.visitor("Ann"))
            await mute.has(1)
            second = await shop.sells(await shop.visitor("Ben"))
            await receiver.has(2)
            assert len(mute.got) == 1
            mute.goes_on.set()
            await mute.has(2)
    assert told(receiver) == [first.charge_id, second.charge_id]
    assert told(mute) == [first.charge_id, second.charge_id]

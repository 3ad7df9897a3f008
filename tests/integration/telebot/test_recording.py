"""Telegram is told that a payment arrived when it is in the ledger, and otherwise delivers it again."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from telebot import TeleBot, types
from telebot.async_telebot import AsyncTeleBot

from neonpay.adapters._common.held_back import CONFIRM_WITHIN_S, PAUSE_S, HeldBack
from neonpay.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from neonpay.core.events import Event
    from neonpay.simulator import Simulator
    from tests.integration.telebot.conftest import Shop

KINDS = pytest.mark.parametrize("kind", [TeleBot, AsyncTeleBot])


@KINDS
async def test_polling_confirms_a_payment_that_is_in_the_ledger(new_shop: Callable[..., Shop], kind: type) -> None:
    shop = new_shop(kind)
    shop.opens()
    async with shop.polling():
        ann = await shop.visitor()
        outcome = await ann.pays(await shop.invoices(ann))
        await shop.telegram.idle(shop.account)

        payment = await shop.neonpay.payments.get(outcome.charge_id or "")

    assert payment.amount_stars == 50


@KINDS
async def test_polling_asks_again_for_what_could_not_be_recorded(
    telegram: Simulator, tmp_path: Path, new_shop: Callable[..., Shop], kind: type
) -> None:
    path, shop = tmp_path / "busy.db", new_shop(kind)
    _notes_words(shop)
    shop.opens(database_url=f"sqlite:///{path}?timeout=0.05", patience_s=0.0)
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        _locks_after_the_checkout(shop, other)
        async with shop.polling():
            ann = await shop.visitor()
            outcome = await ann.pays(await shop.invoices(ann))
            paid = telegram.updates(shop.account)[-1]
            await telegram.until(lambda: paid.delivered_count >= 2, what="a second delivery of the payment")
            await ann.says("later", to=shop.account)
            other.execute("ROLLBACK")
            (result,) = await shop.delivered.has()
            await shop.seen.has(lambda word: word == "later")

    assert result.transaction_id == outcome.charge_id
    assert shop.seen.all == ["/start", "later"]


@KINDS
async def test_a_webhook_is_done_when_the_payment_is_recorded(
    telegram: Simulator, new_shop: Callable[..., Shop], kind: type
) -> None:
    shop = new_shop(kind)
    _notes_words(shop)
    shop.opens()
    link = (await shop.neonpay.create_payment_link("vip")).link or ""
    ann = await shop.visitor()
    checkout = await ann.begins_to_pay(link)
    for update in telegram.updates(shop.account):
        await _posted(shop, update.body)
    outcome = await checkout.outcome()
    await _posted(shop, telegram.updates(shop.account)[-1].body)

    payment = await shop.neonpay.payments.get(outcome.charge_id or "")
    await shop.seen.has()

    assert payment.source == "update"
    assert shop.seen.all == ["/start"]


@KINDS
async def test_a_webhook_fails_when_the_payment_could_not_be_recorded(
    telegram: Simulator, tmp_path: Path, new_shop: Callable[..., Shop], kind: type
) -> None:
    path, shop = tmp_path / "busy.db", new_shop(kind)
    _notes_words(shop)
    shop.opens(database_url=f"sqlite:///{path}?timeout=0.05", patience_s=0.0)
    link = (await shop.neonpay.create_payment_link("vip")).link or ""
    ann = telegram.user("Ann", stars=50)
    checkout = await ann.begins_to_pay(link)
    await _posted(shop, telegram.updates(shop.account)[-1].body)
    await checkout.outcome()
    paid = telegram.updates(shop.account)[-1].body
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError):
            await _posted(shop, paid)
        other.execute("ROLLBACK")
    await _posted(shop, paid)

    assert len(await shop.delivered.has()) == 1
    assert shop.seen.all == []


async def _posted(shop: Shop, body: Any) -> None:
    """What a host's web server does with an update."""
    updates = [types.Update.de_json(body)]
    if isinstance(shop.bot, TeleBot):
        await asyncio.to_thread(shop.bot.process_new_updates, updates)
    else:
        await shop.bot.process_new_updates(updates)


def _notes_words(shop: Shop) -> None:
    if isinstance(shop.bot, TeleBot):
        shop.bot.register_message_handler(lambda message: shop.seen.add(message.text))
        return

    async def note(message: types.Message) -> None:
        shop.seen.add(message.text or "?")

    shop.bot.register_message_handler(note, content_types=["text", "successful_payment"])


def _locks_after_the_checkout(shop: Shop, other: sqlite3.Connection) -> None:
    @shop.neonpay.on("checkout_approved")
    async def lock(_event: Event) -> None:
        other.execute("BEGIN IMMEDIATE")


def test_a_host_is_kept_waiting_for_about_ten_seconds_and_no_longer() -> None:
    held = HeldBack()

    asked_again = sum(held.may_hold(7) for _ in range(100))

    assert asked_again * PAUSE_S == CONFIRM_WITHIN_S
    assert held.may_hold(8)

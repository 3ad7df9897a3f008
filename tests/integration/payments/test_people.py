"""Who was seen, by the names that Telegram told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from neonpay import PaymentResult
from neonpay.core.people import Sender
from neonpay.ledger import open_ledger
from neonpay.ledger.tables import people
from neonpay.store.people import MAX_WAITING, People, find_user

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import MovableClock, Shop

BOT = 7


async def test_who_pays_is_known_by_name_once_the_shop_is_closed(shop: Shop, query: Callable[..., Any]) -> None:
    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling():
        ann = shop.telegram.user("Ann", stars=1000, username="Ann_of_Town")
        await ann.says("/start", to=shop.account)
        await shop.sells(ann)
        assert await query(sa.select(people)) == [], "nothing is written while somebody pays"
    ((bot_id, user_id, username, first_name, _, first_seen, last_seen),) = await query(sa.select(people))
    assert (bot_id, user_id, username, first_name) == (shop.account.id, ann.id, "ann_of_town", "Ann")
    assert first_seen <= last_seen


async def test_a_shop_that_keeps_no_names_knows_the_language_of_who_pays_and_nobody_by_name(
    open_shop: Callable[..., Shop], query: Callable[..., Any]
) -> None:
    shop = open_shop(keep_names=False)
    shop.neonpay.enable_support(admins=[7])

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling():
        ann = shop.telegram.user("Ann", stars=1000, username="Ann_of_Town", language_code="ru")
        bob = shop.telegram.user("Bob", username="bob_b")
        await ann.says("/start", to=shop.account)
        await shop.sells(ann)
        await ann.says("/paysupport", to=shop.account)
        await ann.hears(shop.account)
        await bob.says("/paysupport", to=shop.account)
        await bob.hears(shop.account)
    kept = sa.select(people.c.user_id, people.c.username, people.c.first_name, people.c.language_code)
    assert await query(kept) == [(ann.id, None, None, "ru")], "receipts go by the language of whoever pays"


async def test_who_asks_for_support_is_known_by_name(shop: Shop, query: Callable[..., Any]) -> None:
    shop.neonpay.enable_support(admins=[7])
    async with shop.polling():
        bob = shop.telegram.user("Bob", username="bob_b")
        await bob.says("/paysupport", to=shop.account)
        await bob.hears(shop.account)
    assert [tuple(row) for row in await query(sa.select(people.c.user_id, people.c.username))] == [(bob.id, "bob_b")]


async def test_a_name_is_the_last_that_was_told_and_finds_whoever_had_it_last(
    database_url: str, clock: MovableClock
) -> None:
    ledger = open_ledger(database_url, clock=clock)
    seen = People(ledger, BOT, clock=clock)

    async def tell(user_id: int, username: str | None) -> None:
        seen.saw(user_id, Sender(username, "A" * 100, "en"))
        await seen.write()
        clock.advance(60)

    await tell(1, "Ann")
    await tell(2, "Bob")
    assert await ledger.read(find_user, [BOT], "@aNN") == 1
    await tell(2, "ann")
    assert await ledger.read(find_user, [BOT], "ANN") == 2
    assert await ledger.read(find_user, [BOT], "bob") is None
    assert await ledger.read(find_user, [BOT + 1], "ann") is None
    await tell(2, None)
    assert await ledger.read(find_user, [BOT], "ann") == 1
    await ledger.close()


async def test_what_waits_is_bounded_and_may_be_lost(database_url: str, clock: MovableClock) -> None:
    ledger = open_ledger(database_url, clock=clock)
    seen = People(ledger, BOT, clock=clock)
    for user_id in range(1, MAX_WAITING + 3):
        seen.saw(user_id, Sender(f"user_{user_id}"))
    seen.saw(1, Sender("renamed"))
    seen.saw(5, None)
    await seen.write()
    count = sa.select(sa.func.count()).select_from(people)
    assert await ledger.read(lambda transaction: transaction.connection.execute(count).scalar_one()) == MAX_WAITING
    assert await ledger.read(find_user, [BOT], "renamed") == 1
    await ledger.close()
    seen.saw(1, Sender("late"))
    await seen.stop()

"""Whatever else moves the bot's Stars is in the journal once, and the balance is what all of it adds up to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiogram.types import LabeledPrice, Message, PreCheckoutQuery

from tests.integration.reconcile.conftest import notes_deliveries

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from neonpay.simulator import Buyer
    from neonpay.simulator.people.treasury import MovementKind
    from tests.integration.conftest import Shop

    Books = Callable[[], Awaitable[dict[str, float]]]

ACCOUNTS: dict[MovementKind, tuple[str, int]] = {
    "affiliate": ("affiliate", 1),
    "paid_media": ("paid_media", 1),
    "business_transfer": ("business_transfers", 1),
    "other_in": ("other", 1),
    "gift": ("gifts", -1),
    "premium": ("premium", -1),
    "ads": ("ads", -1),
    "paid_broadcast": ("paid_broadcasts", -1),
    "other_out": ("other", -1),
}


@pytest.mark.parametrize("kind", ACCOUNTS)
async def test_a_movement_has_an_entry_in_an_account_of_its_own(shop: Shop, books: Books, kind: MovementKind) -> None:
    account, sign = ACCOUNTS[kind]
    user = shop.telegram.user("Ann")
    moved = shop.telegram.treasury(shop.account).move(kind, 7, nanostars=500_000_000, user=user)

    report = await shop.neonpay.books.reconcile(grace_s=0)
    again = await shop.neonpay.books.reconcile(grace_s=0, afresh=True)
    await shop.neonpay.program.drain()

    assert (report.moved, again.moved) == (1, 0)
    assert (report.balance_stars, report.balance_nanostars) == (sign * 7, sign * 500_000_000)
    assert report.is_clean
    assert await books() == {"stars": sign * 7.5, account: -sign * 7.5}
    (told,) = shop.named("stars_moved")
    assert (told.charge_id, told.amount_stars, told.account) == (moved, sign * 7, account)


@pytest.mark.parametrize("ends", ["succeeds", "fails"])
async def test_a_withdrawal_is_followed_to_its_end(shop: Shop, books: Books, ends: str) -> None:
    treasury = shop.telegram.treasury(shop.account)
    treasury.move("other_in", 3000)
    withdrawal = treasury.withdraws(1000)
    treasury.move("ads", 100)
    pending = await shop.neonpay.books.reconcile(grace_s=0)
    meanwhile = await books()
    getattr(withdrawal, ends)()

    ended = await shop.neonpay.books.reconcile(grace_s=0)
    again = await shop.neonpay.books.reconcile(grace_s=0, afresh=True)
    await shop.neonpay.program.drain()

    assert meanwhile == {"stars": 1900, "other": -3000, "withdrawals": 1000, "ads": 100}
    assert pending.is_clean
    assert ended.is_clean
    assert (again.moved, again.is_clean) == (0, True)
    paid_out = 1000 if ends == "succeeds" else 0
    assert await books() == {"stars": 2900 - paid_out, "other": -3000, "withdrawals": paid_out, "ads": 100}
    (told,) = shop.named("withdrawal_succeeded" if ends == "succeeds" else "withdrawal_failed")
    assert told.amount_stars == 1000
    assert len(shop.named("withdrawal_succeeded")) == (ends == "succeeds")


async def test_a_withdrawal_that_had_succeeded_before_it_was_seen_is_told_of_once(shop: Shop, books: Books) -> None:
    treasury = shop.telegram.treasury(shop.account)
    treasury.move("other_in", 3000)
    treasury.withdraws(1000).succeeds()
    report = await shop.neonpay.books.reconcile(grace_s=0)
    await shop.neonpay.books.reconcile(grace_s=0, afresh=True)
    await shop.neonpay.program.drain()

    assert (report.moved, report.is_clean) == (2, True)
    assert await books() == {"stars": 2000, "other": -3000, "withdrawals": 1000}
    assert [event.amount_stars for event in shop.named("withdrawal_succeeded")] == [1000]


async def test_a_withdrawal_that_had_failed_before_it_was_seen_moves_nothing(shop: Shop, books: Books) -> None:
    treasury = shop.telegram.treasury(shop.account)
    treasury.move("other_in", 3000)
    treasury.withdraws(1000).fails()
    report = await shop.neonpay.books.reconcile(grace_s=0)

    assert (report.moved, report.is_clean) == (1, True)
    assert await books() == {"stars": 3000, "other": -3000}


async def pays_the_host(shop: Shop) -> tuple[Buyer, str]:
    """Buy something that the bot sells without neonpay."""

    @shop.dispatcher.pre_checkout_query()
    async def approve(query: PreCheckoutQuery) -> None:
        await query.answer(ok=True)

    @shop.dispatcher.message()
    async def ignore(message: Message) -> None: ...

    async with shop.polling():
        ann = await shop.visitor()
        price = [LabeledPrice(label="Tip", amount=20)]
        await shop.bot.send_invoice(ann.id, "Tip", "For the host", "host-tip", "XTR", price)
        outcome = await ann.pays(await ann.hears(shop.account, predicate=lambda m: m.invoice is not None))
        await shop.settles()
    return ann, outcome.charge_id or ""


async def test_what_the_host_sells_itself_is_counted_and_left_alone(
    open_shop: Callable[..., Shop], books: Books
) -> None:
    await pays_the_host(open_shop())
    shop = open_shop()
    report = await shop.neonpay.books.reconcile(grace_s=0)

    assert (report.foreign, report.recovered, report.moved, report.is_clean) == (1, 0, 0, True)
    assert await shop.neonpay.payments.needs_attention() == []
    assert await books() == {"stars": 20, "foreign": -20}


async def test_a_refund_of_the_host_is_counted_too(open_shop: Callable[..., Shop], books: Books) -> None:
    ann, charge_id = await pays_the_host(open_shop())
    shop = open_shop()
    await shop.bot.refund_star_payment(ann.id, charge_id)
    report = await shop.neonpay.books.reconcile(grace_s=0)

    assert (report.foreign, report.refunded, report.balance_stars, report.is_clean) == (2, 0, 0, True)
    assert await books() == {"stars": 0, "foreign": 0}


async def test_where_all_invoices_are_ours_a_foreign_payment_needs_attention(
    open_shop: Callable[..., Shop], books: Books
) -> None:
    _, charge_id = await pays_the_host(open_shop())
    shop = open_shop(all_invoices_are_ours=True)
    notes_deliveries(shop)
    report = await shop.neonpay.books.reconcile(grace_s=0)
    (waiting,) = await shop.neonpay.payments.needs_attention()

    assert (report.recovered, report.needs_attention, report.foreign) == (1, 1, 0)
    assert (waiting.charge_id, waiting.attention, waiting.amount_stars) == (charge_id, "foreign_payload", 20)
    assert await books() == {"stars": 20, "unsettled": -20}


async def test_a_balance_that_drifts_is_told_once_and_again_when_it_changes(shop: Shop) -> None:
    treasury = shop.telegram.treasury(shop.account)
    treasury.move("other_in", 100)
    await shop.neonpay.books.reconcile(grace_s=0)
    treasury.loses(30)
    first = await shop.neonpay.books.reconcile(grace_s=0)
    second = await shop.neonpay.books.reconcile(grace_s=0, afresh=True)
    treasury.loses(-30)
    mended = await shop.neonpay.books.reconcile(grace_s=0)
    await shop.neonpay.program.drain()

    assert [report.drift_stars for report in (first, second, mended)] == [-30, -30, 0]
    assert [report.is_clean for report in (first, second, mended)] == [False, False, True]
    told: list[Any] = shop.named("balance_drifted")
    assert [event.amount_stars for event in told] == [-30, 0]
    assert told[0].reason == "the balance is 70 Stars, the list of transactions adds up to 100 Stars"

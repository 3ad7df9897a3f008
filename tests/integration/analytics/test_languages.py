"""Revenue by language goes by the language that a buyer had when they paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay.analytics import Period, Split, marks
from neonpay.core.clock import moment
from neonpay.ledger import open_ledger
from neonpay.ledger.tables import payments, people
from tests.integration.web.looked_at import stocked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from neonpay.ledger import Transaction
    from tests.integration.conftest import Shop

    Change = Callable[[sa.Executable], Awaitable[None]]
    Query = Callable[..., Any]


@pytest.fixture
def change(database_url: str) -> Change:
    """Changes rows past the shop, as what another program has written of before."""

    async def run(statement: sa.Executable) -> None:
        def unit(transaction: Transaction) -> None:
            transaction.connection.execute(statement)

        ledger = open_ledger(database_url)
        try:
            await ledger.run(unit)
        finally:
            await ledger.close()

    return run


async def shares(shop: Shop, split: Split = Split.LANGUAGE) -> dict[str, tuple[int, int]]:
    """By part of a split how many payments there are, and how many of them went back."""
    assert shop.clock is not None
    shop.clock.advance(901)  # so that it is in a whole quarter of an hour, which the rollups have
    period = Period.named("30d", now=moment(shop.clock.now_us()))
    found = await shop.neonpay.reports.revenue(period, split=split)
    return {share.key: (share.takings.orders, share.takings.returned) for share in found.shares}


async def count(shop: Shop) -> None:
    await shop.neonpay.books.seal()
    await shop.neonpay.reports.refresh()


async def test_a_payment_keeps_the_language_that_its_buyer_had(shop: Shop, query: Query) -> None:
    stocked(shop)
    async with shop.polling():
        for language in ("ru", "pt-br", "x" * 70):
            await shop.delivers(await shop.sells(await shop.visitor("Ann", language_code=language)))
    kept = sa.select(payments.c.language_code).order_by(payments.c.paid_at, payments.c.charge_id)
    assert sorted(row[0] for row in await query(kept)) == ["pt-br", "ru", "x" * 63 + "…"]


@pytest.mark.parametrize("is_rolled_up", [False, True])
async def test_who_has_another_language_later_leaves_what_was_paid_in_the_one_of_before(
    shop: Shop, change: Change, *, is_rolled_up: bool
) -> None:
    stocked(shop)
    async with shop.polling():
        ann = await shop.visitor("Ann", language_code="ru")
        await shop.delivers(await shop.sells(ann))
        await shop.neonpay.program.pipeline.beside.write()
        if is_rolled_up:
            await count(shop)
        await change(sa.update(people).where(people.c.user_id == ann.id).values(language_code="en"))
        assert await shares(shop) == {"ru": (1, 0)}


async def test_a_payment_without_a_language_stays_under_that_in_which_its_buyer_was_known(
    shop: Shop, change: Change
) -> None:
    stocked(shop)
    async with shop.polling():
        ann = await shop.visitor("Ann", language_code="ru")
        sold = await shop.sells(ann)
        await shop.delivers(sold)
        await shop.neonpay.program.pipeline.beside.write()
        await change(sa.update(payments).values(language_code=None))
        assert await shares(shop) == {"ru": (1, 0)}
        await count(shop)
        await change(sa.update(people).where(people.c.user_id == ann.id).values(language_code="en"))
        assert await shares(shop) == {"ru": (1, 0)}
        await shop.neonpay.refund(sold.charge_id or "")
        await shop.fact("payment_refunded")
        assert await shares(shop) == {"ru": (1, 1)}
        await count(shop)
        assert await shares(shop) == {"ru": (1, 1)}


async def test_what_somebody_paid_counts_under_no_language_once_they_are_erased(shop: Shop, change: Change) -> None:
    stocked(shop)
    async with shop.polling():
        ann, bob = [await shop.visitor(name, language_code="ru") for name in ("Ann", "Bob")]
        kept, back, other = [await shop.sells(buyer) for buyer in (ann, ann, bob)]
        for sold in (kept, back, other):
            await shop.delivers(sold)
        await shop.neonpay.refund(back.charge_id or "")
        await shop.fact("payment_refunded")
        await count(shop)
        assert await shares(shop) == {"ru": (3, 1)}
        erased = await shop.neonpay.people.erase(ann.id)
        assert erased.removed["languages"] == 2
        assert await shares(shop) == {"ru": (1, 0), "": (2, 1)}
        await shop.neonpay.people.erase(ann.id)
        # A refund that comes later finds them there as well, and whoever comes back brings nothing back.
        await shop.neonpay.refund(kept.charge_id or "")
        await shop.delivers(await shop.sells(ann))
        await shop.fact("payment_refunded", count=2)
        assert await shares(shop) == {"ru": (2, 0), "": (2, 2)}
        await count(shop)
        assert await shares(shop) == {"ru": (2, 0), "": (2, 2)}
        await shop.neonpay.people.erase(bob.id)
        await shop.neonpay.people.erase(ann.id)
        assert await shares(shop) == {"": (4, 2)}


async def test_a_refund_that_is_not_counted_yet_when_its_buyer_is_erased_counts_once(shop: Shop) -> None:
    stocked(shop)
    async with shop.polling():
        ann = await shop.visitor("Ann", language_code="ru")
        sold = await shop.sells(ann)
        await shop.delivers(sold)
        await count(shop)
        await shop.neonpay.refund(sold.charge_id or "")
        await shop.fact("payment_refunded")
        await shop.neonpay.people.erase(ann.id)
        assert await shares(shop) == {"": (1, 1)}
        await count(shop)
        assert await shares(shop) == {"": (1, 1)}


async def test_a_report_reads_rollups_and_the_payments_where_much_is_not_rolled_up(
    shop: Shop, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    stocked(shop)
    async with shop.polling():
        await shop.delivers(await shop.sells(await shop.visitor("Ann", language_code="ru")))
        await count(shop)
        # Whoever sees this has read the payments.
        await change(sa.update(payments).values(language_code="de"))
        assert await shares(shop) == {"ru": (1, 0)}
        await shop.delivers(await shop.sells(await shop.visitor("Bob", language_code="ru")))
        await shop.neonpay.books.seal()
        assert await shares(shop) == {"ru": (2, 0)}
        monkeypatch.setattr(marks, "_NEAR", 3)
        assert await shares(shop) == {"de": (1, 0), "ru": (1, 0)}

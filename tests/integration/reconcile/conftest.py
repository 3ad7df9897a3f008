"""Sales that the bot was never told of, and the books that they end in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from neonpay import PaymentResult
from neonpay.ledger.tables import journal
from neonpay.simulator import Outcome
from tests.integration.conftest import Shop

NANOSTARS = 1_000_000_000
SellUnseen = Callable[..., Awaitable[Outcome]]


@pytest.fixture
def sells_unseen(open_shop: Callable[..., Shop]) -> SellUnseen:
    """Sells something whose update Telegram keeps to itself."""

    async def sells_unseen(**options: Any) -> Outcome:
        shop = open_shop(**options)
        async with shop.polling(telegram_sends=["pre_checkout_query"]):
            ann = await shop.visitor()
            invoice = await shop.neonpay.create_payment_link("vip")
            return await ann.pays(invoice.link or "")

    return sells_unseen


@pytest.fixture
def books(query: Callable[..., Any]) -> Callable[[], Awaitable[dict[str, int]]]:
    """What each account of the journal adds up to, in Stars and parts of them."""

    async def books() -> dict[str, Any]:
        columns = (journal.c.account, sa.func.sum(journal.c.amount_stars), sa.func.sum(journal.c.nanostars))
        rows = await query(sa.select(*columns).group_by(journal.c.account))
        return {account: int(stars) + int(rest) / NANOSTARS for account, stars, rest in rows}

    return books


def notes_deliveries(shop: Shop) -> list[PaymentResult]:
    """What the shop delivers from now on."""
    delivered: list[PaymentResult] = []

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None:
        delivered.append(result)

    return delivered

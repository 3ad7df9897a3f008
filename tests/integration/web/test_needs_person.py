"""What needs a person is one number, wherever it is told: in reports, on pages and by monitoring."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import sqlalchemy as sa

from neonpay.ledger.tables import jobs, payments, refunds
from neonpay.monitoring.standing import read_standings
from tests.integration.web.looked_at import stocked

if TYPE_CHECKING:
    from neonpay.ledger import Transaction
    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served


def undecide(transaction: Transaction, charge_id: str) -> None:
    """Have a payment wait for a decision, as one whose invoice nobody knows."""
    waits = sa.update(payments).where(payments.c.charge_id == charge_id)
    transaction.connection.execute(waits.values(state="needs_attention", attention="unknown_invoice"))


def refuse(transaction: Transaction, bot_id: int, charge_id: str, now_us: int) -> None:
    """Telegram will not give these Stars back."""
    transaction.connection.execute(
        sa.insert(refunds).values(
            bot_id=bot_id, charge_id=charge_id, user_id=1, amount_stars=50, state="failed", source="call", requested_at=now_us
        )
    )  # fmt: skip


def double(transaction: Transaction) -> None:
    """Whatever handler has failed for the last time, another one of the same payment has too."""
    dead = sa.select(*[sa.literal("handler:other") if c.name == "consumer" else c for c in jobs.c]).where(
        jobs.c.state == "dead"
    )
    transaction.connection.execute(sa.insert(jobs).from_select([c.name for c in jobs.c], dead))


async def test_whatever_needs_a_person_is_counted_alike_everywhere(shop: Shop, served: Served) -> None:
    stocked(shop)
    assert shop.clock is not None
    bot_id, ledger = shop.neonpay.program.adapter.bot_id, shop.neonpay.program.pipeline.ledger
    async with shop.polling(), served() as http:
        ann = await shop.visitor("Ann")
        await shop.sells(ann, "book")  # its delivery fails for the last time
        await shop.fact("fulfilment_abandoned")
        await ledger.run(double)
        for act in ("undecide", "refuse", "leave"):
            sold = await shop.sells(ann)
            await shop.delivers(sold)
            if act == "undecide":
                await ledger.run(undecide, sold.charge_id)
            elif act == "refuse":
                await ledger.run(refuse, bot_id, sold.charge_id, shop.clock.now_us())
        waiting = (await shop.neonpay.reports.attention()).payments
        assert waiting == 3
        (standing,) = await ledger.read(read_standings, [bot_id])
        assert standing.attention.payments == waiting
        text = await (await http.get("/payments?tab=need-you")).text()
        rows = text.partition("<tbody>")[2].partition("</tbody>")[0].count("<tr")
        assert rows == waiting
        assert re.search(rf'href="/payments[^>]*>.*?<span class="[^"]*">\s*{waiting}\s*<', text, re.DOTALL)
        assert f'neonpay_payments_waiting{{bot_id="{bot_id}"}} {waiting}.0' in await (await http.get("/metrics")).text()

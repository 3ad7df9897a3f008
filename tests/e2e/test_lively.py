"""The lively shop that the dashboard's demonstration shows: one seed, one history, and books that add up."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from neonpay.cli.demo.lively import live
from neonpay.ledger import Transaction
from neonpay.ledger.tables import events, payments, people

pytestmark = pytest.mark.timeout(240)

UNTIL = datetime(2026, 11, 27, 14, 30, tzinfo=UTC)
DAYS = 34


async def _lived(*, seed: int = 7, orders_a_day: float = 2) -> dict[str, Any]:
    async with live("memory:", until=UNTIL, seed=seed, days=DAYS, orders_a_day=orders_a_day) as history:
        shop = history.neonpay
        proof = await shop.books.verify()
        figures = await shop.program.pipeline.ledger.read(_figures)
        dead = await shop.jobs.dead_letters()
        charged = history.telegram.payments(history.shop.account)
        report = await shop.books.reconcile(grace_s=0)
        requests = await shop.refunds.requests()
        return {
            **figures,
            "proof": proof,
            "dead": sorted(str(job.error).partition(":")[0] for job in dead),
            "charged": len(charged),
            "lost": report.recovered,
            "requests": [request.words for request in requests if request.state == "open"],
        }


def _figures(transaction: Transaction) -> dict[str, Any]:
    def rows(*columns: Any) -> list[tuple[Any, ...]]:
        return sorted(tuple(row) for row in transaction.connection.execute(sa.select(*columns)))

    return {
        "payments": rows(
            payments.c.paid_at, payments.c.user_id, payments.c.stage_id, payments.c.amount_stars, payments.c.state
        ),
        "events": Counter(rows(events.c.name, events.c.at)),
        "people": [row[0] for row in rows(people.c.first_name)],
    }


async def test_the_same_seed_gives_the_same_history_and_another_one_another() -> None:
    first, again, other = [await _lived(seed=seed) for seed in (7, 7, 8)]
    for figure in ("payments", "events", "people", "dead", "requests"):
        assert first[figure] == again[figure], figure
    assert first["payments"] != other["payments"]


async def test_the_books_verify_and_what_is_open_was_left_open_on_purpose() -> None:
    lived = await _lived(orders_a_day=12)
    assert lived["proof"].findings == ()
    assert len(lived["payments"]) == lived["charged"] - 1
    assert lived["lost"] == 1
    assert lived["dead"] == ["ConnectionError", "TelegramForbiddenError"]
    assert lived["requests"] != []
    told = {name for name, _ in lived["events"]}
    assert told >= {
        "payment_delivered", "payment_refunded", "checkout_declined", "fulfilment_failed", "fulfilment_abandoned",
        "subscription_canceled", "invoice_abandoned", "balance_drifted", "refund_requested",
    }  # fmt: skip

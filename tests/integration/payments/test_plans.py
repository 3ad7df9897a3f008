"""What a bot asks of the ledger while somebody waits is found by what it is about, however much was ever sold."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from neonpay import PaymentStage
from neonpay.core.clock import moment
from neonpay.core.payments import PaymentState, RefundState
from neonpay.ledger import Ledger, Transaction, open_ledger
from neonpay.ledger.tables import invoices, payments, stages
from neonpay.payments.history import History
from neonpay.payments.subscriptions import find_active
from neonpay.store.invoice_filter import InvoiceSelection
from neonpay.store.payment_filter import Selection
from neonpay.store.stage_versions import Catalogue
from tests.integration.backup.conftest import fill
from tests.integration.plans import OF_ALL, Noting, noted

BOT = 42


@pytest.fixture
def ledger(sqlite_url: str) -> Iterator[Ledger]:
    ledger = open_ledger(sqlite_url)
    ledger.open_sync()
    yield ledger
    ledger.close_sync()


ASKED: dict[str, Callable[[History], Awaitable[Any]]] = {
    "payment": lambda history: history.payment("paid"),
    "payment that begins so": lambda history: history.find("pai"),
    "invoice": lambda history: history.invoice("asked"),
    "refund": lambda history: history.refund("paid"),
    "jobs_of": lambda history: history.jobs_of("paid"),
    "dead_letters": lambda history: history.dead_letters(),
    "stranded": lambda history: history.stranded(),
    "payments of a user": lambda history: history.select(Selection(user_id=1), limit=10),
    "payments of a user and a stage": lambda history: history.select(Selection(user_id=1, stage_id="vip"), limit=10),
    "payments that wait": lambda history: history.select(Selection(state=PaymentState.NEEDS_ATTENTION), limit=10),
    "invoices of a user": lambda history: history.select_invoices(InvoiceSelection(user_id=1), limit=10),
}
ASKED |= {
    f"payments in {state}": lambda history, state=state: history.select(Selection(state=state), limit=10)
    for state in PaymentState
    if state is not PaymentState.ACCEPTED
}
ASKED |= {
    "payments with dead letters": lambda history: history.select(Selection(has_dead_letters=True), limit=10),
    "payments that went back": lambda history: history.select(Selection(refund=RefundState.REFUNDED), limit=10),
}


def sold(transaction: Transaction) -> None:
    """Rows in every table, and a payment of an invoice that names somebody else."""
    fill(transaction, random.Random(1), rows=1, bot_id=BOT)  # noqa: S311  # no secret depends on it
    at = moment(1_790_000_000_000_000)
    stage = PaymentStage(title="VIP", description="A month of VIP", price=50)
    of_stage = {"stage_id": "vip", "version": 1, "digest": stage.digest, "content": stage.to_json()}
    invoice = {"invoice_id": "asked", "user_id": 2, "payments_count": 1, "created_at": at, "terms": None}
    invoice |= {"stage_id": "vip", "stage_version": 1, "state": "sent", "metadata": "{}"}
    paid = {
        "charge_id": "paid",
        "invoice_id": "asked",
        "user_id": 1,
        "state": "accepted",
        "paid_at": at,
    }
    paid |= {
        "source": "update",
        "attention": None,
        "subscription_expires_at": None,
        "stage_id": "vip",
        "stage_version": 1,
    }
    for table, values in ((stages, of_stage), (invoices, invoice), (payments, paid)):
        transaction.connection.execute(sa.update(table).values(values))


@pytest.mark.parametrize("what", ASKED)
async def test_what_is_asked_is_found_by_what_it_is_about(what: str, ledger: Ledger) -> None:
    ledger.run_sync(sold)
    noting = Noting(ledger)
    await ASKED[what](History(noting, BOT, catalogue=Catalogue(BOT)))  # type: ignore[arg-type]
    assert [step for step in noting.steps if OF_ALL.search(step)] == []


async def test_whether_an_invoice_is_paid_by_somebody_else_is_looked_for_since_it_was_made(ledger: Ledger) -> None:
    ledger.run_sync(sold)
    noting = Noting(ledger)
    assert await History(noting, BOT, catalogue=Catalogue(BOT)).is_paid("asked")  # type: ignore[arg-type]
    (by_payer, by_time) = [step for step in noting.steps if "neonpay_payments" in step]
    assert "(bot_id=? AND user_id=?)" in by_payer
    assert "(bot_id=? AND paid_at>?)" in by_time


def test_whether_somebody_is_subscribed_is_found_among_what_they_have_paid(ledger: Ledger) -> None:
    def unit(transaction: Transaction) -> list[str]:
        with noted(transaction) as steps:
            assert find_active(transaction, Catalogue(BOT), BOT, 1, None) is None
        return steps

    assert [step for step in ledger.run_sync(unit) if OF_ALL.search(step)] == []

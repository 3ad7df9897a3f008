"""What a bot asks of the ledger while somebody waits is found by what it is about, however much was ever sold."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from neonpay.core.payments import PaymentState, RefundState
from neonpay.errors import PaymentError
from neonpay.ledger import Ledger, Transaction, open_ledger
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
    "payment": lambda history: history.payment("stx"),
    "payment that begins so": lambda history: history.find("st"),
    "invoice": lambda history: history.invoice("inv"),
    "is_paid": lambda history: history.is_paid("inv"),
    "refund": lambda history: history.refund("stx"),
    "jobs_of": lambda history: history.jobs_of("stx"),
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


@pytest.mark.parametrize("what", ASKED)
async def test_what_is_asked_is_found_by_what_it_is_about(what: str, ledger: Ledger) -> None:
    ledger.run_sync(lambda transaction: fill(transaction, random.Random(1), bot_id=BOT))  # noqa: S311
    noting = Noting(ledger)
    history = History(noting, BOT, catalogue=Catalogue(BOT))  # type: ignore[arg-type]
    with suppress(PaymentError):
        await ASKED[what](history)
    assert [step for step in noting.steps if OF_ALL.search(step)] == []


def test_whether_somebody_is_subscribed_is_found_among_what_they_have_paid(ledger: Ledger) -> None:
    def unit(transaction: Transaction) -> list[str]:
        with noted(transaction) as steps:
            assert find_active(transaction, Catalogue(BOT), BOT, 1, None) is None
        return steps

    assert [step for step in ledger.run_sync(unit) if OF_ALL.search(step)] == []

"""The first page of a list takes as long on a large ledger as on a small one: SQLite's own steps are counted."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from neonpay.cli.reading.invoices import read_invoices
from neonpay.cli.reading.payments import read_page
from neonpay.cli.reading.requests import read_requests
from neonpay.cli.reading.stages import offered_stages
from neonpay.cli.reading.standing import Standing
from neonpay.cli.reading.subscriptions import read_subscriptions
from neonpay.core.clock import moment
from neonpay.core.payments import PaymentState, RefundState
from neonpay.ledger import open_ledger
from neonpay.ledger.tables import events, invoices, jobs, payments, stages
from neonpay.notifications.log import read_log
from neonpay.payments.progress import OF_FEW, Progress
from neonpay.store.invoice_filter import InvoiceSelection
from neonpay.store.newest_invoices import read_newest
from neonpay.store.payment_filter import Selection

if TYPE_CHECKING:
    from neonpay.ledger import Transaction

BOT: Final = 42
BEGIN: Final = 1_790_000_000_000_000
MOST_MORE: Final = 1.2
"""How many times as many steps a ledger with twice as much may take: the trees of its indexes are a little higher."""
SMALL: Final = 11_000
"""More than is counted, so that counting takes as long in both."""


def invoice(number: int) -> dict[str, Any]:
    made = {"bot_id": BOT, "invoice_id": f"{number * 7919 % 100_003:06}", "stage_id": "vip", "stage_version": 1}
    return made | {
        "user_id": number % 500 if number % 3 else None,
        "price_stars": 50,
        "payload": "",
        "metadata": "{}",
        "state": "sent",
        "created_at": BEGIN + number,
        "payments_count": int(number % 12 > 0),
    }


def told(number: int) -> dict[str, Any]:
    about = {name: invoice(number)[name] for name in ("bot_id", "invoice_id", "user_id", "stage_id")}
    return about | {"event_id": f"{number:032x}", "name": "invoice_created", "at": BEGIN + number}


def payment(number: int) -> dict[str, Any]:
    return {
        "bot_id": BOT,
        "charge_id": f"stx{number * 7919 % 100_003:06}",
        "event_id": f"p{number:031x}",
        "user_id": number // 4,
        "amount_stars": 50,
        "currency": "XTR",
        "state": "accepted",
        "invoice_id": f"{number // 4}",
        "stage_id": "vip",
        "stage_version": 1,
        "number": 1,
        "payload": "",
        "paid_at": BEGIN + number,
        "recorded_at": BEGIN + number,
        "source": "update",
        "is_recurring": number % 2,
        "is_first_recurring": 0,
        "subscription_expires_at": 2 * BEGIN if number % 2 else None,
    }


def job(number: int) -> dict[str, Any]:
    of_it = {name: payment(number)[name] for name in ("bot_id", "event_id", "charge_id")}
    return of_it | {"consumer": "handler:deliver", "state": "done", "attempts": 1, "run_at": BEGIN}


ROWS: Final = {invoices: invoice, events: told, payments: payment, jobs: job}

LISTS: dict[str, Callable[[Transaction], object]] = {
    "payments": lambda transaction: read_page(transaction, [BOT], Selection(), 10),
    "payments with dead letters": lambda transaction: read_page(
        transaction, [BOT], Selection(has_dead_letters=True), 10
    ),
    "payments that do not go back": lambda transaction: read_page(
        transaction, [BOT], Selection(refund=RefundState.FAILED), 10
    ),
    "payments that wait": lambda transaction: read_page(
        transaction, [BOT], Selection(state=PaymentState.NEEDS_ATTENTION), 10
    ),
    "invoices": lambda transaction: read_invoices(transaction, [BOT], InvoiceSelection(), 10),
    "invoices of a stage": lambda transaction: read_invoices(transaction, [BOT], InvoiceSelection(stage_id="vip"), 10),
    "invoices that are paid": lambda transaction: read_invoices(
        transaction, [BOT], InvoiceSelection(has_payments=True), 10
    ),
    "neonpay.invoices.list": lambda transaction: read_newest(transaction, BOT, InvoiceSelection(), 10),
    "subscriptions": lambda transaction: read_subscriptions(transaction, [BOT], limit=10),
    "subscriptions to a stage": lambda transaction: read_subscriptions(transaction, [BOT], stage_id="vip", limit=10),
    "requests": lambda transaction: read_requests(transaction, [BOT], state=None, user_id=None, limit=10),
    "messages": lambda transaction: read_log(transaction, [BOT]),
    "stages, when nothing was found": lambda transaction: offered_stages(transaction, [BOT]),
}


def shown_as(progress: Progress) -> Callable[[Transaction], object]:
    return lambda transaction: read_page(transaction, [BOT], Selection(), 10, progress)


def standing_as(standing: Standing) -> Callable[[Transaction], object]:
    return lambda transaction: read_subscriptions(transaction, [BOT], standing=standing, limit=10)


LISTS |= {f"payments shown as {progress}": shown_as(progress) for progress in (*OF_FEW, Progress.DELIVERED)}
LISTS |= {
    f"{standing} subscriptions": standing_as(standing)
    for standing in (Standing.ACTIVE, Standing.CANCELED, Standing.FAILED)
}


def add(transaction: Transaction, first: int, last: int) -> None:
    stage = {"bot_id": BOT, "stage_id": "vip", "version": 1, "digest": "", "created_at": BEGIN}
    content = '{"title": "VIP", "description": "A month of VIP", "price": 50}'
    if not first:
        transaction.connection.execute(sa.insert(stages).values(**stage, content=content))
    for table, row in ROWS.items():
        transaction.connection.execute(sa.insert(table), [row(number) for number in range(first, last)])


def steps_of(transaction: Transaction, ask: Callable[[Transaction], object]) -> int:
    """How many steps of its virtual machine SQLite makes, in tens."""
    raw: Any = transaction.connection.connection.dbapi_connection
    counted = count()
    raw.set_progress_handler(lambda: next(counted) and None, 10)
    try:
        ask(transaction)
    finally:
        raw.set_progress_handler(None, 0)
    return next(counted)


def test_the_first_page_takes_no_longer_the_more_there_is(sqlite_url: str) -> None:
    ledger = open_ledger(sqlite_url)
    ledger.open_sync()
    steps = []
    for first in (0, SMALL):
        ledger.run_sync(add, first, first + SMALL)
        steps.append({name: ledger.run_sync(steps_of, ask) for name, ask in LISTS.items()})
    ledger.close_sync()
    small, large = steps
    longer = {name: (small[name], large[name]) for name in LISTS if large[name] > MOST_MORE * small[name] + 10}
    assert longer == {}


def test_what_is_listed_is_the_newest_in_order(sqlite_url: str) -> None:
    ledger = open_ledger(sqlite_url)
    ledger.open_sync()
    ledger.run_sync(add, 0, 3_000)
    newest = [moment(BEGIN + number) for number in range(2_999, 2_989, -1)]
    listed, made = ledger.run_sync(read_invoices, [BOT], InvoiceSelection(), 10)
    assert [one.invoice.created_at for one in listed] == newest
    assert made.count == 3_000
    paid, _ = ledger.run_sync(read_invoices, [BOT], InvoiceSelection(has_payments=True), 2_000)
    in_order = [moment(BEGIN + number) for number in range(2_999, 0, -1) if number % 12]
    assert [one.invoice.created_at for one in paid] == in_order[:2_000]
    subscribed, total = ledger.run_sync(lambda transaction: read_subscriptions(transaction, [BOT], limit=10))
    assert [one.since for one in subscribed] == [moment(BEGIN + number) for number in range(2_997, 2_957, -4)]
    assert (total.count >= 10, total.may_be_more) == (True, True)
    ledger.close_sync()

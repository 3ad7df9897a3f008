"""What is new since the last turn of counting costs a report about as much as it is, however many buyers there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from neonpay.analytics import Bucket, Period, attention, customers, reports_of, revenue, statement, subscriptions
from neonpay.analytics.scope import Scope
from neonpay.ledger import open_ledger
from neonpay.ledger.tables import events, payments, sequences

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.ledger import Transaction

BOT = 42
BUYERS, NEW = 3_000, 300
UNTIL = datetime(2026, 11, 30, 12, tzinfo=UTC)
UNTIL_US = int(UNTIL.timestamp()) * 1_000_000
PERIOD = Period.named("30d", now=UNTIL)
SCOPE = Scope.of([BOT])
_EACH_STEPS = 100


def pay(transaction: Transaction, first: int, count: int) -> None:
    """So many people pay for a month, each once and an hour after the one before, and their events have numbers."""
    paid: list[dict[str, Any]] = []
    told: list[dict[str, Any]] = []
    for place in range(first, first + count):
        at = UNTIL_US - (BUYERS + NEW - place) * 600_000_000
        about = {
            "bot_id": BOT,
            "event_id": f"{place:032x}",
            "charge_id": f"charge{place}",
            "user_id": 1 + place % BUYERS,
        }
        paid.append(
            about
            | {
                "amount_stars": 50,
                "currency": "XTR",
                "state": "accepted",
                "stage_id": "club",
                "number": 1,
                "payload": "",
            }
            | {"source": "update", "is_recurring": 1, "is_first_recurring": 1, "is_listed": 1, "paid_at": at}
            | {"recorded_at": at, "subscription_expires_at": at + 30 * 86_400_000_000}
        )
        told.append(about | {"name": "payment_completed", "at": at, "amount_stars": 50, "number": place + 1})
    transaction.connection.execute(sa.insert(payments), paid)
    transaction.connection.execute(sa.insert(events), told)
    transaction.connection.execute(sa.delete(sequences))
    transaction.connection.execute(sa.insert(sequences), [{"bot_id": BOT, "last_number": first + count}])


def steps(transaction: Transaction) -> dict[str, int]:
    """How many steps SQLite's machine takes for each report, in hundreds."""
    driver = transaction.connection.connection.driver_connection
    assert driver is not None
    now = UNTIL + timedelta(seconds=1)
    asked: dict[str, Callable[[], object]] = {
        "statement": lambda: statement.statement(transaction, SCOPE, PERIOD, now, compare=True),
        "orders": lambda: revenue.orders(transaction, SCOPE, PERIOD),
        "customers": lambda: customers.customers(transaction, SCOPE, PERIOD, 12, now),
        "subscriptions": lambda: subscriptions.subscribers(transaction, SCOPE, PERIOD, Bucket.DAY, now),
        "attention": lambda: attention.attention(transaction, SCOPE, now),
    }
    found = {}
    for name, ask in asked.items():
        taken = 0

        def count() -> bool:
            nonlocal taken
            taken += 1
            return False

        driver.set_progress_handler(count, _EACH_STEPS)
        try:
            ask()
        finally:
            driver.set_progress_handler(None, _EACH_STEPS)
        found[name] = taken
    return found


async def test_a_report_does_not_go_through_what_is_new_again_for_each_buyer(sqlite_url: str) -> None:
    ledger = open_ledger(sqlite_url)
    await ledger.open()
    try:
        await ledger.run(pay, 0, BUYERS)
        await reports_of(ledger, bots=[BOT]).refresh()
        counted = await ledger.read(steps)
        await ledger.run(pay, BUYERS, NEW)
        with_new = await ledger.read(steps)
    finally:
        await ledger.close()
    # Of each new payment some hundreds of steps; of new payments times buyers there would be millions.
    allowed = {name: 2 * before + NEW * 10 for name, before in counted.items()}
    assert {name: (with_new[name], most) for name, most in allowed.items() if with_new[name] > most} == {}

"""The views are a contract: their columns stay, and the page about them says what they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay import PaymentResult, PaymentStage
from neonpay.core.clock import moment
from neonpay.core.limits import SUBSCRIPTION_PERIOD_S
from neonpay.ledger import Transaction, open_ledger
from neonpay.ledger.tables import keys, payments, subscriptions
from tests.unit.docs.blocks import blocks, page_text

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tests.integration.conftest import Shop

    Rows = Callable[[str], Awaitable[list[dict[str, Any]]]]

PAGE = "docs/reference/views.md"
_WHO = ("username", "first_name", "language_code")
COLUMNS = {
    "neonpay_v1_payments": (
        "bot_id", "charge_id", "user_id", *_WHO, "stage_id", "stage_version", "stage_title", "amount_stars", "currency",
        "state", "attention", "is_accepted", "is_refunded", "is_recurring", "is_first_recurring",
        "paid_at", "paid_at_us", "paid_on", "recorded_at", "recorded_at_us",
        "subscription_expires_at", "subscription_expires_at_us", "refunded_at", "refunded_at_us",
        "invoice_id", "number", "source", "title", "paid_language_code",
    ),
    "neonpay_v1_refunds": (
        "bot_id", "charge_id", "user_id", *_WHO, "stage_id", "stage_title", "amount_stars", "state", "reason",
        "requested_by", "source", "error", "is_refunded", "requested_at", "requested_at_us", "requested_on",
        "finished_at", "finished_at_us", "finished_on", "paid_at", "paid_at_us", "paid_on", "title",
    ),
    "neonpay_v1_subscriptions": (
        "bot_id", "invoice_id", "user_id", *_WHO, "stage_id", "stage_title", "charge_id", "price_stars", "state",
        "is_active", "is_renewing", "periods_paid", "periods_refunded", "stars_kept",
        "first_paid_at", "first_paid_at_us", "first_paid_on", "last_paid_at", "last_paid_at_us", "last_paid_on",
        "expires_at", "expires_at_us", "expires_on",
    ),
    "neonpay_v1_events": (
        "bot_id", "event_id", "number", "name", "user_id", *_WHO, "stage_id", "stage_title", "invoice_id", "charge_id",
        "amount_stars", "reason", "handler", "happened_at", "happened_at_us", "happened_on",
    ),
}  # fmt: skip
"""What other people's programs rely on. It may grow at the end of each row, and change in no other way."""
_FAR_US = 4_000_000_000_000_000


@pytest.fixture
def rows(database_url: str) -> Rows:
    """What an SQL query gives, as somebody reads it who knows nothing of neonpay."""

    async def read(sql: str) -> list[dict[str, Any]]:
        def unit(transaction: Transaction) -> list[dict[str, Any]]:
            return [dict(row) for row in transaction.connection.exec_driver_sql(sql).mappings()]

        ledger = open_ledger(database_url)
        try:
            return await ledger.read(unit)
        finally:
            await ledger.close()

    return read


async def change(database_url: str, *statements: sa.Executable) -> None:
    def unit(transaction: Transaction) -> None:
        for statement in statements:
            transaction.connection.execute(statement)

    ledger = open_ledger(database_url)
    try:
        await ledger.run(unit)
    finally:
        await ledger.close()


def whole(view: str) -> str:
    return f"SELECT * FROM {view}"  # noqa: S608  # one of ours


async def sell(shop: Shop) -> list[str]:
    """One payment that is kept, one that went back, and one of a subscription; their charges."""

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling():
        ann = await shop.visitor("Ann")
        kept, back = [(await shop.sells(ann)).charge_id or "" for _ in range(2)]
        invoice = await shop.neonpay.create_payment_link("vip", options={"subscription_period": SUBSCRIPTION_PERIOD_S})
        monthly = await ann.pays(invoice.link or "")
        await shop.settles()
        await shop.neonpay.refund(back, reason="asked for")
        await shop.fact("payment_refunded")
    return [kept, back, monthly.charge_id or ""]


async def test_the_columns_of_a_view_stay(database_url: str) -> None:
    def found(transaction: Transaction) -> dict[str, tuple[str, ...]]:
        inspector = sa.inspect(transaction.connection)
        return {name: tuple(c["name"] for c in inspector.get_columns(name)) for name in inspector.get_view_names()}

    ledger = open_ledger(database_url)
    try:
        assert await ledger.read(found) == COLUMNS
    finally:
        await ledger.close()


def test_the_page_has_the_columns_of_each_view_in_their_order() -> None:
    told: dict[str, tuple[str, ...]] = {}
    for part in page_text(PAGE).split("\n## ")[1:]:
        view = re.search(r"`(neonpay_v1_\w+)` has one row", part)
        if view is not None:
            lines = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", part, re.MULTILINE)
            told[view[1]] = tuple(re.findall(r"`(\w+)`", " ".join(lines)))
    assert told == COLUMNS


async def test_every_query_on_the_page_runs(shop: Shop, rows: Rows, database_url: str) -> None:
    await sell(shop)
    shown = blocks("sql", pages=[PAGE])
    found = [await rows(block.text) for block in shown]
    assert len(shown) == 6
    day = {"orders": 3, "gross_stars": 150, "refunded_stars": 50}
    assert [{name: int(row[name]) for name in day} for row in found[0]] == [day]
    assert [(row["first_name"], int(row["spent_stars"])) for row in found[1]] == [("Ann", 100)]
    assert [float(row["refunded_percent"]) for row in found[2]] == [33.3]


async def test_the_notebook_of_the_page_reads_a_file(shop: Shop, rows: Rows, database_url: str) -> None:
    if not database_url.startswith("sqlite"):
        pytest.skip("a file is SQLite's")
    await sell(shop)
    (block,) = blocks("python", pages=[PAGE])
    there: dict[str, Any] = {}
    exec(block.text, there)  # noqa: S102  # the page's own code is what is tested
    (day,) = await rows("SELECT paid_on, count(*) FROM neonpay_v1_payments GROUP BY paid_on")
    assert there["by_day"](database_url.removeprefix("sqlite:///")) == [(day["paid_on"], 100)]


async def test_rights_on_the_views_are_enough_to_read_them(shop: Shop, database_url: str, rows: Rows) -> None:
    if not database_url.startswith("postgresql"):
        pytest.skip("SQLite has no rights")
    await sell(shop)
    (block,) = blocks("postgresql", pages=[PAGE])

    def unit(transaction: Transaction) -> int:
        run = transaction.connection.exec_driver_sql
        for statement in filter(str.strip, block.text.split(";")):
            run(statement)
        assert run("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'metabase'").scalar_one(), "it can come in"
        run("SET LOCAL ROLE metabase")
        rows = sum(len(run(whole(name)).all()) for name in COLUMNS)
        for statement in ("RESET ROLE", "DROP OWNED BY metabase", "DROP ROLE metabase"):
            run(statement)
        return rows

    ledger = open_ledger(database_url)
    try:
        assert await ledger.run(unit) > 5
    finally:
        await ledger.close()


@pytest.mark.parametrize(
    ("view", "bound"),
    [
        ("neonpay_v1_payments", "paid_at_us BETWEEN 1 AND 2"),
        ("neonpay_v1_events", "number > 1"),
    ],
)
async def test_what_the_page_calls_quick_goes_by_an_index(rows: Rows, database_url: str, view: str, bound: str) -> None:
    if not database_url.startswith("sqlite"):
        pytest.skip("PostgreSQL goes by the number of rows")
    plan = await rows(f"EXPLAIN QUERY PLAN SELECT count(*) FROM {view} WHERE bot_id = 1 AND {bound}")  # noqa: S608
    first = str(plan[0]["detail"])
    assert first.startswith("SEARCH")
    assert re.search(r"\(bot_id=\? AND \w+>", first), first


async def test_a_view_tells_what_the_ledger_has(shop: Shop, rows: Rows, database_url: str) -> None:
    kept, back, monthly = await sell(shop)
    sold = {row["charge_id"]: row for row in await rows("SELECT * FROM neonpay_v1_payments")}
    assert {charge: (row["stage_title"], row["first_name"], row["amount_stars"]) for charge, row in sold.items()} == (
        dict.fromkeys((kept, back, monthly), ("VIP", "Ann", 50))
    )
    assert [bool(sold[charge]["is_refunded"]) for charge in (kept, back, monthly)] == [False, True, False]
    assert [bool(sold[charge]["is_accepted"]) for charge in (kept, back, monthly)] == [True, False, True]
    assert [bool(sold[charge]["is_first_recurring"]) for charge in (kept, back, monthly)] == [False, False, True]
    (refund,) = await rows("SELECT * FROM neonpay_v1_refunds WHERE is_refunded")
    assert (refund["charge_id"], refund["reason"], refund["stage_title"]) == (back, "asked for", "VIP")
    assert refund["paid_at_us"] == sold[back]["paid_at_us"]
    assert refund["finished_at_us"] == sold[back]["refunded_at_us"]
    named = await rows("SELECT name, stage_title FROM neonpay_v1_events WHERE charge_id IS NOT NULL")
    assert {row["name"] for row in named} >= {"payment_completed", "payment_delivered", "payment_refunded"}
    assert {row["stage_title"] for row in named} == {"VIP"}


async def test_times_are_times_beside_their_microseconds(shop: Shop, rows: Rows, database_url: str) -> None:
    await sell(shop)
    await change(database_url, sa.update(payments).values(paid_at=1_709_251_199_000_001))
    for row in await rows("SELECT paid_at, paid_at_us, paid_on, refunded_at, refunded_at_us FROM neonpay_v1_payments"):
        paid_at = row["paid_at"] if isinstance(row["paid_at"], datetime) else datetime.fromisoformat(row["paid_at"])
        assert paid_at == moment(row["paid_at_us"]) == moment(1_709_251_199_000_001)
        assert str(row["paid_on"]) == "2024-02-29", "the day is UTC's, whatever zone the reader has"
        assert (row["refunded_at"] is None) == (row["refunded_at_us"] is None)
        assert isinstance(row["paid_at"], datetime) == database_url.startswith("postgresql")


async def test_no_view_shows_a_payload_a_link_or_a_key(shop: Shop, rows: Rows, query: Callable[..., Any]) -> None:
    await sell(shop)
    shown = str([await rows(whole(name)) for name in COLUMNS])
    secrets = [row[0] for row in await query(sa.select(payments.c.payload))]
    assert secrets
    assert not [payload for payload in secrets if payload in shown]
    assert not [
        key.hex() for (key,) in await query(sa.select(keys.c.secret)) if key.hex() in shown or str(key) in shown
    ]
    assert "t.me/" not in shown


@pytest.mark.parametrize(
    ("expires_us", "said", "payment_state", "expected"),
    [
        (_FAR_US, None, "accepted", ("active", True, True)),
        (_FAR_US, "canceled", "accepted", ("canceled", True, False)),
        (_FAR_US, "failed", "accepted", ("failed", True, False)),
        (1, None, "accepted", ("ended", False, False)),
        (_FAR_US, None, "refunded", ("ended", False, False)),
    ],
)
async def test_a_subscription_stands_where_its_periods_and_telegram_say(
    shop: Shop, rows: Rows, database_url: str, expires_us: int, said: str | None, payment_state: str, expected: object
) -> None:
    _, _, monthly = await sell(shop)
    only = payments.c.charge_id == monthly
    await change(
        database_url, sa.update(payments).where(only).values(subscription_expires_at=expires_us, state=payment_state)
    )
    (before,) = await rows("SELECT * FROM neonpay_v1_subscriptions")
    if said is not None:
        row = {name: before[name] for name in ("bot_id", "user_id", "invoice_id")}
        await change(database_url, sa.insert(subscriptions).values(state=said, changed_at=_FAR_US, **row))
    (found,) = await rows("SELECT * FROM neonpay_v1_subscriptions")
    assert (found["state"], bool(found["is_active"]), bool(found["is_renewing"])) == expected
    assert (found["charge_id"], found["stage_title"], found["price_stars"]) == (monthly, "VIP", 50)
    is_back = payment_state == "refunded"
    assert [int(found[name]) for name in ("periods_paid", "periods_refunded", "stars_kept")] == [
        1,
        int(is_back),
        0 if is_back else 50,
    ]


async def test_a_title_that_a_database_cannot_hold_keeps_no_row_away(shop: Shop, rows: Rows, database_url: str) -> None:
    odd = PaymentStage(title="V\0P", description="A month of VIP", price=5, payload={"\\u0000": "\0"})
    shop.neonpay.create_payment_stage("odd", odd)
    shop.neonpay.on_payment(name="deliver")(lambda: None)
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor(), "odd")
    (row,) = await rows("SELECT charge_id, stage_id FROM neonpay_v1_payments WHERE amount_stars = 5")
    assert row == {"charge_id": outcome.charge_id, "stage_id": "odd"}
    (row,) = await rows("SELECT * FROM neonpay_v1_payments WHERE amount_stars = 5")

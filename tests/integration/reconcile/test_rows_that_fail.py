"""A row of Telegram's list that cannot be dealt with stops no other row, is told of, and is tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay import PaymentResult, PaymentStage
from neonpay.app import NeonPayCore
from neonpay.core.charge_ids import charge_key
from neonpay.errors import LedgerUnavailableError
from neonpay.ledger.tables import duties, early_refunds, events, payments
from neonpay.payments.settings import Settings
from neonpay.reconcile.reconciler import ReconcileRules
from neonpay.telegram.console import ConsoleAdapter
from tests.integration.reconcile.test_refunded_first import sale
from tests.integration.reconcile.test_turns import Telegram, book, ledger, reconciler, taken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from neonpay.core.jsontext import JsonValue
    from neonpay.core.payments import Charge, RefundNotice
    from neonpay.ledger import Ledger
    from neonpay.store.periodic import PeriodicStore
    from tests.integration.conftest import MovableClock

    Query = Callable[..., Awaitable[list[tuple[Any, ...]]]]

__all__ = ["book", "ledger"]
POISON = 2**70
"""No database keeps a user with such an id."""


class ListedTelegram(ConsoleAdapter):
    """A Telegram whose list of transactions a test writes."""

    def __init__(self) -> None:
        super().__init__(f"42:{'A' * 35}")
        self.rows: list[dict[str, Any]] = []
        self.payloads: list[str] = []
        self.calls: list[tuple[str, Mapping[str, JsonValue]]] = []

    async def call(self, method: str, params: Mapping[str, Any]) -> JsonValue:
        self.calls.append((method, params))
        if method == "createInvoiceLink":
            self.payloads.append(params["payload"])
            return f"https://t.me/$invoice{len(self.payloads)}"
        if method == "getStarTransactions":
            return {"transactions": self.rows[params["offset"] :][: params["limit"]]}
        if method == "getMyStarBalance":
            return {"amount": sum(row["amount"] if "source" in row else -row["amount"] for row in self.rows)}
        return True

    def sells(self, charge_id: str, payload: str, *, user_id: int = 7) -> dict[str, Any]:
        """A row of a sale for 50 Stars."""
        user = {"type": "user", "transaction_type": "invoice_payment", "user": {"id": user_id}}
        row = {"id": charge_id, "amount": 50, "date": 1_790_000_000, "source": {**user, "invoice_payload": payload}}
        self.rows.append(row)
        return row

    def refunds(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row of the refund of a sale."""
        back = {**{name: row[name] for name in ("id", "amount", "date")}, "receiver": row["source"]}
        self.rows.append(back)
        return back

    def asked(self, method: str) -> list[Mapping[str, JsonValue]]:
        """The parameters of the calls of a method."""
        return [params for name, params in self.calls if name == method]


class Shop:
    def __init__(self, database_url: str, clock: MovableClock) -> None:
        self.telegram = ListedTelegram()
        rules = ReconcileRules(every_s=None, pages_per_s=1e9)
        settings = Settings(reconcile=rules, poll_s=0.01)
        self.neonpay = NeonPayCore(self.telegram, database_url=database_url, settings=settings, clock=clock)
        self.neonpay.create_payment_stage("vip", PaymentStage(title="VIP", description="VIP", price=50))
        self.delivered: list[str | None] = []
        self.neonpay.on_payment(name="deliver")(self._deliver)

    async def _deliver(self, result: PaymentResult) -> None:
        self.delivered.append(result.transaction_id)

    async def offers(self) -> str:
        """The payload of an invoice."""
        await self.neonpay.create_payment_link("vip")
        return self.telegram.payloads[-1]

    async def reconcile(self) -> Any:
        report = await self.neonpay.books.reconcile(grace_s=0)
        await self.neonpay.program.drain()
        return report


@pytest.fixture
async def shop(database_url: str, clock: MovableClock) -> AsyncIterator[Shop]:
    shop = Shop(database_url, clock)
    yield shop
    await shop.neonpay.close()
    await shop.telegram.close()


async def test_a_charge_that_cannot_be_recorded_stops_no_other(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    payload = await shop.offers()
    shop.telegram.sells("before", await shop.offers())
    poisoned = shop.telegram.sells("poisoned", payload, user_id=POISON)
    shop.telegram.sells("after", await shop.offers())

    first = await shop.reconcile()
    assert sorted(map(str, shop.delivered)) == ["after", "before"]
    assert (first.recovered, first.failed, first.is_complete, first.is_clean) == (2, 1, True, False)
    assert "+poisoned" in caplog.text

    shop.telegram.sells("later", await shop.offers())
    second = await shop.reconcile()
    assert (second.checked, second.recovered, second.failed) == (1, 1, 1)

    poisoned["source"]["user"] = {"id": 7}
    third = await shop.reconcile()
    fourth = await shop.reconcile()
    assert (third.recovered, third.failed, third.is_clean) == (1, 0, True)
    assert (fourth.recovered, fourth.is_clean) == (0, True)
    assert sorted(map(str, shop.delivered)) == ["after", "before", "later", "poisoned"]
    assert (await shop.neonpay.books.verify()).is_clean


async def test_a_charge_that_was_stepped_over_and_refunded_is_never_delivered(shop: Shop, query: Query) -> None:
    poisoned = shop.telegram.sells("poisoned", await shop.offers(), user_id=POISON)
    first = await shop.reconcile()
    back = shop.telegram.refunds(poisoned)
    back["receiver"] = {**back["receiver"], "user": {"id": 7}}
    second = await shop.reconcile()
    poisoned["source"]["user"] = {"id": 7}
    third = await shop.reconcile()

    assert (first.failed, second.failed, third.failed) == (1, 2, 0)
    assert (third.recovered, third.is_clean, shop.delivered) == (1, True, [])
    proof = await shop.neonpay.books.verify()
    assert (proof.is_clean, proof.accounts["stars"]) == (True, (0, 0))
    assert await query(sa.select(early_refunds.c.charge_id)) == []


async def test_a_movement_that_cannot_be_entered_stops_no_other(shop: Shop) -> None:
    for number in range(3):
        gift = {"type": "user", "transaction_type": "gift_purchase", "user": {"id": POISON if number == 1 else 7}}
        shop.telegram.rows.append({"id": f"g{number}", "amount": 1, "date": 1_790_000_000, "source": gift})
    first = await shop.reconcile()
    shop.telegram.rows[1]["source"]["user"] = {"id": 7}
    second = await shop.reconcile()

    assert (first.moved, first.failed, first.is_complete) == (2, 1, True)
    assert (second.moved, second.failed, second.is_clean) == (1, 0, True)
    assert (await shop.neonpay.books.verify()).accounts["gifts"] == (-3, 0)


async def test_a_withdrawal_that_cannot_be_entered_stops_no_walk(shop: Shop) -> None:
    state = {"type": "fragment", "withdrawal_state": {"type": "pending"}}
    shop.telegram.rows.append({"id": "w", "amount": 5, "date": 1_790_000_000, "receiver": state})
    await shop.reconcile()
    shop.telegram.rows[0] = {**shop.telegram.rows[0], "date": POISON, "receiver": {"type": "fragment"}}
    report = await shop.reconcile()
    assert report.is_complete


async def test_a_row_from_a_far_future_holds_up_no_other(shop: Shop, clock: MovableClock) -> None:
    shop.telegram.sells("absurd", await shop.offers())["date"] = 2**40
    shop.telegram.sells("after", await shop.offers())
    clock.advance(61)
    report = await shop.neonpay.books.reconcile()
    await shop.neonpay.program.drain()
    assert (report.recovered, report.failed, report.waiting, shop.delivered) == (1, 1, 0, ["after"])


async def test_more_rows_than_are_remembered_are_found_all_the_same(shop: Shop) -> None:
    rows = [shop.telegram.sells(f"c{number}", await shop.offers(), user_id=POISON) for number in range(130)]
    first = await shop.reconcile()
    assert (first.failed, first.recovered, first.is_complete) == (101, 0, True)
    for row in rows:
        row["source"]["user"] = {"id": 7}
    second = await shop.reconcile()
    third = await shop.reconcile()

    assert (second.recovered, second.is_clean) == (100, False)
    assert (third.recovered, third.is_clean) == (30, True)
    assert len(shop.delivered) == 130


async def test_a_database_that_is_away_is_no_rows_fault(
    ledger: Ledger, book: PeriodicStore, clock: MovableClock, query: Query
) -> None:
    telegram = Telegram(clock, 0)
    telegram.rows = [sale(telegram, place) for place in range(3)]

    async def charged(charge: Charge) -> None:
        if charge.charge_id == "t1":
            msg = "away"
            raise LedgerUnavailableError(msg)

    with pytest.raises(LedgerUnavailableError):
        await reconciler(ledger, clock, telegram, charged=charged, grace_s=0).walk(await taken(book))
    assert await query(sa.select(duties.c.position)) == [(0,)]


async def test_a_refund_that_cannot_be_noted_stops_no_other(
    ledger: Ledger, book: PeriodicStore, clock: MovableClock
) -> None:
    telegram = Telegram(clock, 0)
    telegram.rows = [sale(telegram, place) for place in range(3)]
    telegram.rows += [sale(telegram, place, refunds=place - 3) for place in (3, 4)]
    noted: list[str] = []

    async def refunded(notice: RefundNotice) -> None:
        if notice.charge_id == "t0":
            raise ValueError
        noted.append(notice.charge_id)

    compare = reconciler(ledger, clock, telegram, charges=[], refunded=refunded, grace_s=0)
    report = await compare.walk(await taken(book))
    assert (noted, report.failed, report.is_complete) == (["t1"], 1, True)


@pytest.mark.parametrize("unfit", ["a\0b", "half \ud800 pair"])
async def test_text_that_no_database_takes_is_recorded_and_found_again(shop: Shop, query: Query, unfit: str) -> None:
    charge_id, payload = f"c{unfit}", await shop.offers()
    shop.telegram.sells(charge_id, payload)
    shop.telegram.sells("forged", f"np1.{'x' * 40}{unfit}")
    shop.telegram.rows.append(
        {"id": f"g{unfit}", "amount": 1, "date": 1_790_000_000, "source": {"type": "other"}},
    )
    report = await shop.reconcile()
    again = await shop.neonpay.books.reconcile(grace_s=0, afresh=True)

    assert (report.recovered, report.sold_elsewhere, report.moved, report.failed) == (2, 1, 1, 0)
    assert (again.recovered, again.moved, again.is_clean) == (0, 0, True)
    assert shop.delivered == [charge_key(charge_id)]
    assert (await shop.neonpay.payments.get(charge_id)).telegram_charge_id == charge_id
    assert (await shop.neonpay.payments.get("forged")).attention == "other_ledger"
    assert charge_key(f"g{unfit}") in [row for (row,) in await query(sa.select(events.c.charge_id))]
    await shop.neonpay.refund(charge_id)
    (asked,) = shop.telegram.asked("refundStarPayment")
    assert asked["telegram_payment_charge_id"] == charge_id
    assert len(await query(sa.select(payments.c.charge_id))) == 2

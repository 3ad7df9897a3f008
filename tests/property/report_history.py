"""Random histories of a shop with two bots, as the store would have written them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from hypothesis import strategies as st

from neonpay.ledger import tables
from neonpay.ledger.table_kit import metadata
from neonpay.ledger.tables_tracking import first_touches
from tests.property.report_times import BEGIN, DAY_US, MINUTE_US

if TYPE_CHECKING:
    from neonpay.ledger import Transaction

BOTS = (7, 8)
STAGES = ("book", "plus", None)
LANGUAGES = {1: "en", 2: "ru", 3: None}
OWN_LANGUAGES = ("en", "de", None, None)
"""What a payment says of its buyer; nothing where it was written by a program of before, or is of Telegram's list."""
SOURCES = {1: "ad", 2: None, 3: "friend"}
PERIOD_US = 30 * DAY_US
ACCOUNTS = ("withdrawals", "gifts", "foreign")


@dataclass(frozen=True)
class Invoice:
    bot: int
    stage: str
    at: int
    price: int


@dataclass(frozen=True)
class Payment:
    """One payment; ``invoice`` is the place of its invoice, and ``number`` which payment of it this is."""

    bot: int
    user: int
    stage: str | None
    stars: int
    currency: str
    state: str
    kind: str
    at: int
    recorded: int
    refunded: int | None
    delivered: int | None
    invoice: int | None
    number: int
    is_listed: bool
    language: str | None = None


@dataclass(frozen=True)
class Checkout:
    bot: int
    stage: str | None
    at: int
    reason: str | None


@dataclass(frozen=True)
class Moved:
    bot: int
    account: str
    at: int
    nanostars: int


@dataclass(frozen=True)
class Told:
    """What Telegram has told of a subscription."""

    bot: int
    user: int
    stage: str | None
    state: str
    at: int


@dataclass(frozen=True)
class History:
    invoices: tuple[Invoice, ...] = ()
    payments: tuple[Payment, ...] = ()
    checkouts: tuple[Checkout, ...] = ()
    moved: tuple[Moved, ...] = ()
    told: tuple[Told, ...] = ()
    seen: tuple[tuple[int, int, int], ...] = ()
    order: int = 0
    numbered: float = 1.0

    def ends_us(self, payment: Payment) -> int | None:
        return None if payment.kind == "one_off" else payment.at + PERIOD_US


# Near quarters of an hour, days and months, since what is wrong is wrong at an edge.
times = st.builds(
    lambda day, minute, extra: BEGIN + day * DAY_US + minute * 15 * MINUTE_US + extra,
    st.integers(0, 75),
    st.integers(0, 95),
    st.sampled_from([-1, 0, 1, 7 * MINUTE_US]),
)
bots = st.sampled_from(BOTS)
prices = st.sampled_from([1, 30, 30, 75, 250])


@st.composite
def _payments(draw: st.DrawFn, invoices: tuple[Invoice, ...]) -> Payment:
    at = draw(times)
    place = draw(st.none() | st.integers(0, len(invoices) - 1)) if invoices else None
    invoice = None if place is None else invoices[place]
    state = draw(st.sampled_from(["accepted", "accepted", "accepted", "refunded", "needs_attention", "refund_due"]))
    kind = draw(st.sampled_from(["one_off", "first", "renewal"]))
    after = draw(st.integers(0, 45 * DAY_US)) if state == "refunded" else None
    recorded = at + draw(st.sampled_from([0, 1_000_000, 3 * DAY_US]))
    wait = draw(st.none() | st.sampled_from([-5, 0, 90_000, 1_234_567, 61 * MINUTE_US, 9 * DAY_US]))
    return Payment(
        bot=draw(bots) if invoice is None else invoice.bot,
        user=draw(st.integers(1, 4)),
        stage=draw(st.sampled_from(STAGES)) if invoice is None else invoice.stage,
        stars=draw(prices),
        currency=draw(st.sampled_from(["XTR", "XTR", "XTR", "XTR", "USD"])),
        state=state,
        kind=kind,
        at=at,
        recorded=recorded,
        refunded=None if after is None else at + after,
        delivered=None if wait is None or state in {"needs_attention", "refund_due"} else at + wait,
        invoice=place,
        number=0,
        is_listed=draw(st.booleans()),
        language=draw(st.sampled_from(OWN_LANGUAGES)),
    )


def _numbered(payments: list[Payment]) -> tuple[Payment, ...]:
    counted: dict[int, int] = {}
    made = []
    for payment in payments:
        number = 0
        if payment.invoice is not None:
            number = counted[payment.invoice] = counted.get(payment.invoice, 0) + 1
        made.append(Payment(**{**payment.__dict__, "number": number}))
    return tuple(made)


@st.composite
def histories(draw: st.DrawFn) -> History:
    kinds_of_stage = st.sampled_from(["book", "plus"])
    invoices = tuple(draw(st.lists(st.builds(Invoice, bots, kinds_of_stage, times, prices), max_size=5)))
    payments = _numbered(draw(st.lists(_payments(invoices), max_size=14)))
    reasons = st.sampled_from([None, None, "already_paid", "blocked", "refused"])
    checkouts = st.builds(Checkout, bots, st.sampled_from(STAGES), times, reasons)
    amounts = st.sampled_from([-1_000_000_000_000, -1, 1, 2_500_000_000, -500_000_000])
    moved = st.builds(Moved, bots, st.sampled_from(ACCOUNTS), times, amounts)
    told = st.builds(
        Told, bots, st.integers(1, 4), st.sampled_from(STAGES), st.sampled_from(["active", "canceled", "failed"]), times
    )
    seen = st.tuples(bots, st.integers(1, 6), times)
    return History(
        invoices=invoices,
        payments=payments,
        checkouts=tuple(draw(st.lists(checkouts, max_size=6))),
        moved=tuple(draw(st.lists(moved, max_size=4))),
        told=tuple({(one.bot, one.user, one.stage): one for one in draw(st.lists(told, max_size=4))}.values()),
        seen=tuple({one[:2]: one for one in draw(st.lists(seen, max_size=5))}.values()),
        order=draw(st.integers(0, 1000)),
        numbered=draw(st.sampled_from([0.0, 0.5, 1.0, 1.0])),
    )


@dataclass
class _Rows:
    """Rows by table, and the events in the order in which they became visible."""

    by_table: dict[sa.Table, list[dict[str, Any]]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)

    def add(self, table: sa.Table, **values: Any) -> None:
        self.by_table.setdefault(table, []).append(values)

    def tell(self, name: str, bot: int, at: int, **values: Any) -> str:
        event_id = f"{len(self.events):032x}"
        common = dict.fromkeys(column.name for column in tables.events.c)
        self.events.append({**common, "event_id": event_id, "name": name, "bot_id": bot, "at": at, **values})
        return event_id


def subscription_invoice(payment: Payment) -> str:
    """The invoice by which Telegram names the subscription of a payment: one for each buyer and stage here."""
    return f"subscription {payment.stage}"


def write(transaction: Transaction, history: History) -> None:
    """Make the ledger hold this history and nothing else."""
    for table in reversed(metadata.sorted_tables):
        transaction.connection.execute(sa.delete(table))
    rows = _Rows()
    for place, invoice in enumerate(history.invoices):
        _write_invoice(rows, place, invoice)
    for place, payment in enumerate(history.payments):
        _write_payment(rows, place, payment, history)
    for checkout in history.checkouts:
        name = "checkout_approved" if checkout.reason is None else "checkout_declined"
        rows.tell(name, checkout.bot, checkout.at, stage_id=checkout.stage, reason=checkout.reason, amount_stars=5)
    for moved in history.moved:
        _write_moved(rows, moved)
    for told in history.told:
        rows.add(
            tables.subscriptions,
            bot_id=told.bot,
            user_id=told.user,
            invoice_id=f"subscription {told.stage}",
            state=told.state,
            changed_at=told.at,
        )
    for bot, user, at in history.seen:
        rows.add(
            tables.people,
            bot_id=bot,
            user_id=user,
            language_code=LANGUAGES.get(user),
            first_seen=at,
            last_seen=at,
        )
        rows.add(first_touches, bot_id=bot, user_id=user, source=SOURCES.get(user), at=at)
    for bot in BOTS:
        rows.add(tables.keys, bot_id=bot, key_id=f"{bot}", secret=b"k", created_at=BEGIN)
    _number(rows, history)
    for table, values in rows.by_table.items():
        transaction.connection.execute(sa.insert(table), values)


def _number(rows: _Rows, history: History) -> None:
    """Events become visible in any order, and the last of them have no number yet."""
    random.Random(history.order).shuffle(rows.events)  # noqa: S311  # no secret depends on it
    last: dict[int, int] = {}
    for place, event in enumerate(rows.events):
        if place < len(rows.events) * history.numbered:
            event["number"] = last[event["bot_id"]] = last.get(event["bot_id"], 0) + 1
        rows.add(tables.events, **event)
    for bot, number in last.items():
        rows.add(tables.sequences, bot_id=bot, last_number=number)


def _write_invoice(rows: _Rows, place: int, invoice: Invoice) -> None:
    rows.add(
        tables.invoices,
        bot_id=invoice.bot,
        invoice_id=f"{place}",
        stage_id=invoice.stage,
        stage_version=1,
        price_stars=invoice.price,
        payload="",
        metadata="{}",
        state="sent",
        created_at=invoice.at,
        payments_count=0,
    )
    told = {"stage_id": invoice.stage, "invoice_id": f"{place}", "amount_stars": invoice.price}
    rows.tell("invoice_created", invoice.bot, invoice.at, **told)


def _write_payment(rows: _Rows, place: int, payment: Payment, history: History) -> None:
    charge = f"charge {place}"
    about = {"charge_id": charge, "stage_id": payment.stage, "amount_stars": payment.stars, "user_id": payment.user}
    recording = {"needs_attention": "payment_needs_attention", "refund_due": "refund_requested"}
    name = recording.get(payment.state, "payment_completed")
    event_id = rows.tell(name, payment.bot, payment.recorded, **about)
    invoice_id = None if payment.invoice is None else f"{payment.invoice}"
    rows.add(
        tables.payments,
        bot_id=payment.bot,
        charge_id=charge,
        event_id=event_id,
        user_id=payment.user,
        amount_stars=payment.stars,
        currency=payment.currency,
        state=payment.state,
        attention="unknown_invoice" if payment.state == "needs_attention" else None,
        invoice_id=invoice_id if payment.kind == "one_off" else subscription_invoice(payment),
        stage_id=payment.stage,
        stage_version=None,
        number=payment.number,
        payload="",
        paid_at=payment.at,
        recorded_at=payment.recorded,
        source="update",
        provider_charge_id=None,
        is_recurring=int(payment.kind != "one_off"),
        is_first_recurring=int(payment.kind == "first"),
        subscription_expires_at=history.ends_us(payment),
        is_listed=1 if payment.is_listed else None,
        full_charge_id=None,
        language_code=payment.language,
    )
    _book(rows, payment, event_id, payment.recorded, payment.stars)
    if payment.refunded is not None:
        back = rows.tell("payment_refunded", payment.bot, payment.refunded, **about)
        _book(rows, payment, back, payment.refunded, -payment.stars)
        rows.add(
            tables.refunds,
            bot_id=payment.bot,
            charge_id=charge,
            user_id=payment.user,
            amount_stars=payment.stars,
            state="refunded",
            source="call",
            requested_at=payment.refunded,
            finished_at=payment.refunded,
        )
    elif payment.state == "refund_due":
        rows.add(
            tables.refunds,
            bot_id=payment.bot,
            charge_id=charge,
            user_id=payment.user,
            amount_stars=payment.stars,
            state="intended",
            source="call",
            requested_at=payment.recorded,
            finished_at=None,
        )
    if payment.delivered is not None:
        rows.tell("payment_delivered", payment.bot, payment.delivered, **about)


def _book(rows: _Rows, payment: Payment, event_id: str, at: int, stars: int) -> None:
    if payment.currency == "XTR":
        for account, amount in (("stars", stars), ("revenue", -stars)):
            _entry(rows, payment.bot, event_id, account, amount, at, 0)


def _write_moved(rows: _Rows, moved: Moved) -> None:
    event_id = rows.tell("stars_moved", moved.bot, moved.at, data="{}")
    whole, rest = abs(moved.nanostars) // 1_000_000_000, abs(moved.nanostars) % 1_000_000_000
    sign = 1 if moved.nanostars > 0 else -1
    _entry(rows, moved.bot, event_id, "stars", sign * whole, moved.at, sign * rest)
    _entry(rows, moved.bot, event_id, moved.account, -sign * whole, moved.at, -sign * rest)


def _entry(rows: _Rows, bot: int, event_id: str, account: str, stars: int, at: int, rest: int) -> None:
    row = {"bot_id": bot, "event_id": event_id, "account": account, "amount_stars": stars, "at": at, "nanostars": rest}
    rows.add(tables.journal, **row)

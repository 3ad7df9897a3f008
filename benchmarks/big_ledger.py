"""The rows of a ledger that has sold for a year: a formula gives them, and they are written past the pipeline, in bulk.

They are what the store writes for these facts: for each payment an invoice, an approved checkout, the payment, its journal and
its delivered job; and a second event of an invoice that nobody paid, or of a checkout that was declined. That is five events
for each payment, and a few more for refunds. Telegram's list was read to its end, as a shop does by itself.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import sqlalchemy as sa

from neonpay import PaymentStage
from neonpay.ledger.tables import (
    duties,
    events,
    invoices,
    jobs,
    journal,
    numbered_until,
    payments,
    people,
    refunds,
    sequences,
    stages,
)
from neonpay.ledger.tables_tracking import first_touches
from neonpay.payments.invoices.endings import ABANDON
from neonpay.payments.subscription_ends import END
from neonpay.reconcile.checkpoint import Tally
from neonpay.reconcile.reconciler import RECONCILE
from neonpay.store.ids import twin_id

BOT_ID: Final = 42
DAYS: Final = 365
EVENTS_EACH: Final = 5
STAGES: Final = {"lessons": 250, "phrasebook": 75, "print": 400, "plus": 120, "club": 300}
LANGUAGES: Final = ("en", "ru", "de", "uk", None)
SOURCES: Final = ("ads", "blog", None)
_FIRST_USER: Final = 100_000
_PLANS: Final = frozenset({"plus", "club"})
_DAY_US: Final = 86_400_000_000
_PERIOD_US: Final = 30 * _DAY_US
_CHUNK: Final = 20_000
_CHARGE_CHARS: Final = 140
_REASONS: Final = ("sold_out", "price_changed", "too_slow")
_PRIME: Final = 2_654_435_761
_REFUND_EVERY: Final = 160
_DECLINE_EVERY: Final = 14

COLUMNS: Final = {
    stages: "bot_id stage_id version digest content created_at",
    invoices: "bot_id invoice_id user_id stage_id stage_version price_stars state payments_count created_at payload metadata",
    payments: "bot_id charge_id event_id user_id amount_stars currency state invoice_id stage_id stage_version number payload "
    "paid_at recorded_at source is_recurring is_first_recurring subscription_expires_at is_listed "
    "language_code",
    journal: "bot_id event_id account amount_stars at nanostars",
    jobs: "bot_id event_id consumer charge_id state attempts run_at",
    events: "bot_id event_id name at user_id stage_id invoice_id charge_id amount_stars reason number",
    refunds: "bot_id charge_id user_id amount_stars state reason source requested_at finished_at",
    people: "bot_id user_id username first_name language_code first_seen last_seen",
    first_touches: "bot_id user_id source at",
}
"""What is written of each table; the rest stays NULL or is the table's default."""


class Chunk(NamedTuple):
    """Rows of some payments, by table."""

    rows: dict[sa.Table, list[tuple[object, ...]]]


def chunks(count: int, until_us: int, bot_id: int) -> Iterator[Chunk]:
    """The rows of so many payments in the year before ``until_us``, in the order of their time."""
    step_us = DAYS * _DAY_US // count
    start_us = until_us - DAYS * _DAY_US
    number = 0
    for first in range(0, count, _CHUNK):
        chunk = Chunk({table: [] for table in COLUMNS})
        if not first:
            for stage_id, stars in STAGES.items():
                stage = PaymentStage(title=stage_id.title(), description="As good as it sounds", price=stars)
                chunk.rows[stages].append((bot_id, stage_id, 1, stage.digest, stage.to_json(), start_us))
            for place in range(max(1, count // 8)):
                seen = (f"buyer{place}", f"Buyer {place}", _language(_FIRST_USER + place), start_us, until_us)
                chunk.rows[people].append((bot_id, _FIRST_USER + place, *seen))
                touched = (SOURCES[place % len(SOURCES)], start_us)
                chunk.rows[first_touches].append((bot_id, _FIRST_USER + place, *touched))
        for place in range(first, min(first + _CHUNK, count)):
            number = _one(chunk, bot_id, place, count, start_us + place * step_us, until_us, number)
        yield chunk


def _buyer(place: int, count: int) -> tuple[int, str, bool]:
    """Who pays, for what, and whether it is the first period of a subscription: plans are paid again each thirty days.

    A subscription is renewed up to eleven times, and then somebody else has its place.
    """
    scattered = place * _PRIME % 2**32
    a_month = max(1, count * 30 // DAYS)
    slot, month = place % a_month, place // a_month
    stage_id = tuple(STAGES)[slot * _PRIME % 2**32 % len(STAGES)]
    users = max(1, count // 8)
    if stage_id not in _PLANS:
        return _FIRST_USER + scattered % users, stage_id, False
    lasts = 1 + slot * _PRIME % 2**32 // 97 % 12
    return _FIRST_USER + (slot + month // lasts * 7_919) * _PRIME % 2**32 % users, stage_id, month % lasts == 0


def _language(user_id: int) -> str | None:
    """The language of a buyer's Telegram; some tell none."""
    return LANGUAGES[user_id % len(LANGUAGES)]


def _one(chunk: Chunk, bot_id: int, place: int, count: int, at: int, until_us: int, number: int) -> int:
    scattered = place * _PRIME % 2**32
    user_id, stage_id, is_first = _buyer(place, count)
    stars = STAGES[stage_id]
    head = f"{at // 1000:012x}7"
    event_id = f"{head}0008{place:015x}"
    asked_id, checked_id = f"{head}0018{place:015x}", f"{head}0028{place:015x}"
    invoice_id = f"inv{place:019x}"
    charge_id = f"stx{scattered:010d}_{place}".ljust(_CHARGE_CHARS, "x")
    is_plan = stage_id in _PLANS
    is_refunded = place % _REFUND_EVERY == 0
    rows = chunk.rows
    about = (user_id, stage_id, invoice_id)
    payload = f"np1.{invoice_id}.{stars}.{stage_id}.{scattered:032x}"
    rows[invoices].append(
        (bot_id, *(invoice_id, user_id, stage_id, 1, stars, "sent", 1, at - 60_000_000, payload, "{}"))
    )
    ends = at + _PERIOD_US if is_plan else None
    state = "refunded" if is_refunded else "accepted"
    rows[payments].append(
        (
            *(bot_id, charge_id, event_id, user_id, stars, "XTR", state, invoice_id, stage_id, 1, 1, payload),
            *(at, at + 200_000, "update", int(is_plan), int(is_first), ends, 1, _language(user_id)),
        )
    )
    rows[journal] += [
        (bot_id, event_id, account, sign * stars, at + 200_000, 0) for account, sign in (("stars", 1), ("revenue", -1))
    ]
    rows[jobs].append((bot_id, event_id, "handler:deliver", charge_id, "done", 1, at + 200_000))
    told: list[tuple[str, str, int, int, str, str, str | None, int, str | None]] = [
        (asked_id, "invoice_created", at - 60_000_000, *about, None, stars, None),
        (checked_id, "checkout_approved", at - 2_000_000, *about, None, stars, None),
        (event_id, "payment_completed", at + 200_000, *about, charge_id, stars, None),
        (
            twin_id(event_id),
            "payment_delivered",
            at + 1_200_000 + scattered % 5_000_000,
            *about,
            charge_id,
            stars,
            None,
        ),
    ]
    other_id, unpaid_id = f"{head}0038{place:015x}", f"inw{place:019x}"
    if place % _DECLINE_EVERY == 0:
        reason = _REASONS[place % len(_REASONS)]
        told.append((other_id, "checkout_declined", at, user_id, stage_id, invoice_id, None, stars, reason))
    else:
        rows[invoices].append((bot_id, *(unpaid_id, user_id, stage_id, 1, stars, "sent", 0, at, payload, "{}")))
        told.append((other_id, "invoice_created", at, user_id, stage_id, unpaid_id, None, stars, None))
    if is_refunded:
        back = min(at + 3 * _DAY_US, until_us)
        rows[refunds].append((bot_id, charge_id, user_id, stars, "refunded", "asked for", "call", back, back))
        told.append(
            (f"{back // 1000:012x}70048{place:015x}"[:32], "payment_refunded", back, *about, charge_id, stars, None)
        )
    for event in told:
        number += 1
        rows[events].append((bot_id, *event, number))
    return number


def _done(bot_id: int, count: int, written: int, until_us: int) -> list[tuple[object, ...]]:
    """The rows of ``duties`` that say what the tasks of a shop that has run all the time have done."""
    tally = Tally(position=count, examined=written, balance=0, compared_us=until_us)
    return [
        (bot_id, RECONCILE, until_us, tally.position, tally.memo),
        (bot_id, ABANDON, until_us, written, ""),
        (bot_id, END, until_us, until_us, f"{until_us} {until_us} {until_us}"),
    ]


async def fill(database_url: str, count: int, until_us: int, *, bot_id: int = BOT_ID) -> int:
    """Write them into an empty ledger that has its tables; how many events there are."""
    write = _fill_sqlite if database_url.startswith("sqlite") else _fill_postgres
    return await write(database_url, count, until_us, bot_id)


async def _fill_sqlite(database_url: str, count: int, until_us: int, bot_id: int) -> int:
    path = database_url.removeprefix("sqlite:///")
    return await asyncio.to_thread(_into_file, path, count, until_us, bot_id)


def _into_file(path: str, count: int, until_us: int, bot_id: int) -> int:
    written = 0
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-400000")
        for chunk in chunks(count, until_us, bot_id):
            for table, rows in chunk.rows.items():
                names = COLUMNS[table].split()
                marks = ", ".join("?" * len(names))
                connection.executemany(f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})", rows)
            written += len(chunk.rows[events])
            connection.commit()
        connection.execute(f"INSERT INTO {sequences.name} (bot_id, last_number) VALUES (?, ?)", (bot_id, written))
        newest = f"SELECT bot_id, max(event_id) FROM {events.name} WHERE bot_id = ? GROUP BY bot_id"
        connection.execute(f"INSERT INTO {numbered_until.name} (bot_id, event_id) {newest}", (bot_id,))
        compared = f"INSERT INTO {duties.name} (bot_id, name, run_at, position, memo) VALUES (?, ?, ?, ?, ?)"
        connection.executemany(compared, _done(bot_id, count, written, until_us))
        connection.commit()
    connection.close()
    return written


async def _fill_postgres(database_url: str, count: int, until_us: int, bot_id: int) -> int:
    import asyncpg

    parts = urlsplit(database_url)
    written = 0
    connection = await asyncpg.connect(parts._replace(scheme="postgresql").geturl())
    try:
        await connection.execute("SET synchronous_commit = off")
        for chunk in chunks(count, until_us, bot_id):
            for table, rows in chunk.rows.items():
                await connection.copy_records_to_table(table.name, records=rows, columns=COLUMNS[table].split())
            written += len(chunk.rows[events])
        await connection.execute(f"INSERT INTO {sequences.name} (bot_id, last_number) VALUES ($1, $2)", bot_id, written)
        compared = f"INSERT INTO {duties.name} (bot_id, name, run_at, position, memo) VALUES ($1, $2, $3, $4, $5)"
        await connection.executemany(compared, _done(bot_id, count, written, until_us))
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
    return written

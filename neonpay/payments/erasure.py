"""What is kept about one person beside the books: given out, or removed. Books, seals and their proof are as before."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from neonpay.core.jsontext import JsonObject, JsonValue, load
from neonpay.errors import ExtensionError
from neonpay.ledger import Transaction
from neonpay.ledger.extension_tables import listed
from neonpay.ledger.tables import notes, payments, people, refund_requests, refunds, request_words
from neonpay.ledger.tables_tracking import first_touches, soft_events
from neonpay.payments.clearing import clear_acts, clear_facts
from neonpay.payments.extending.lending import LentTransaction, lend
from neonpay.payments.extensions_used import Extensions
from neonpay.store.first_touches import forget_touch
from neonpay.store.moved_sales import UNKNOWN
from neonpay.store.payers_languages import forget_languages

SOFT_AT_ONCE: Final = 500
_JSON: Final = frozenset({"data"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What was removed of one person.

    Attributes:
        removed: numbers of rows that are gone, or whose words are, by what they were.
        kept: tables of extensions that have rows about the person which nobody here removes.
        to_do: what is still to be done by other programs, in words for people.
    """

    user_id: int
    removed: Mapping[str, int]
    kept: tuple[str, ...] = ()
    to_do: tuple[str, ...] = ()


def remove_soft(transaction: Transaction, bot_id: int, user_id: int) -> int:
    """Remove some soft events of a person; how many, 0 when there are none left."""
    its = (soft_events.c.bot_id == bot_id, soft_events.c.user_id == user_id)
    some = sa.select(soft_events.c.event_id).where(*its).limit(SOFT_AT_ONCE)
    found = sa.delete(soft_events).where(soft_events.c.bot_id == bot_id, soft_events.c.event_id.in_(some))
    return transaction.connection.execute(found).rowcount


def erase_person(
    transaction: Transaction, bot_id: int, user_id: int, extensions: Extensions, erased_there: Collection[str] = ()
) -> Erased:
    """The unit of work that removes the rest: names, languages, where they came from, notes, and all that was said.

    Payments, refunds, the journal and facts stay with the bare user id, without which the books would not add up.

    Args:
        erased_there: extensions whose erasers were asked already.

    Raises:
        ExtensionError: an extension that this program does not use keeps rows about the person; nothing was removed.
    """
    kept = _of_extensions(transaction, bot_id, user_id, extensions, erased_there)
    theirs = sa.select(payments.c.charge_id).where(payments.c.bot_id == bot_id, payments.c.user_id == user_id)
    by_charge = {table: (table.c.bot_id == bot_id, table.c.charge_id.in_(theirs)) for table in (notes, refund_requests)}
    requests, refunded = refund_requests.c, refunds.c
    changes: dict[str, Any] = {
        "names": sa.delete(people).where(people.c.bot_id == bot_id, people.c.user_id == user_id),
        "notes": sa.delete(notes).where(*by_charge[notes]),
        "unsent_request": sa.delete(request_words).where(
            request_words.c.bot_id == bot_id, request_words.c.user_id == user_id
        ),
        "refund_requests": sa.update(refund_requests)
        .where(*by_charge[refund_requests], _has_words(requests.words, requests.answer, requests.language_code))
        .values(words=None, answer=None, language_code=None),
        "refunds": sa.update(refunds)
        .where(refunded.bot_id == bot_id, refunded.charge_id.in_(theirs), _has_words(refunded.reason))
        .values(reason=None),
    }
    # First: under which language they are counted may follow from the names.
    languages = forget_languages(transaction, bot_id, user_id)
    touches = forget_touch(transaction, bot_id, user_id)
    removed = {what: transaction.connection.execute(change).rowcount for what, change in changes.items()}
    removed |= {"first_touch": touches, "languages": languages}
    removed["facts"] = clear_facts(transaction, bot_id, user_id)
    removed["acts"] = clear_acts(transaction, bot_id, user_id, theirs)
    for extension in extensions.having("erase"):
        lend(transaction, extension, lambda lent, its=extension: its.erase(lent, user_id))  # type: ignore[misc]
    return Erased(user_id=user_id, removed={what: count for what, count in removed.items() if count}, kept=kept)


def export_person(transaction: Transaction, bot_id: int, user_id: int, extensions: Extensions) -> JsonObject:
    """The unit of work that reads all of it, with what the person has paid, as JSON."""
    theirs = sa.select(payments.c.charge_id).where(payments.c.bot_id == bot_id, payments.c.user_id == user_id)

    def of_user(table: sa.Table, *order: sa.Column[Any]) -> sa.Select[Any]:
        return sa.select(table).where(table.c.bot_id == bot_id, table.c.user_id == user_id).order_by(*order)

    def of_charges(table: sa.Table) -> sa.Select[Any]:
        query = sa.select(table).where(table.c.bot_id == bot_id, table.c.charge_id.in_(theirs))
        return query.order_by(table.c.charge_id)

    queries = {
        "names": of_user(people),
        "first_touch": of_user(first_touches),
        "payments": of_user(payments, payments.c.paid_at).with_only_columns(
            *[payments.c[name] for name in ("charge_id", "stage_id", "amount_stars", "currency", "state", "paid_at")],
            sa.func.nullif(payments.c.language_code, UNKNOWN).label("language_code"),
        ),
        "refunds": of_charges(refunds),
        "refund_requests": of_charges(refund_requests),
        "unsent_request": of_user(request_words),
        "notes": of_charges(notes),
        "soft_events": of_user(soft_events, soft_events.c.at),
    }
    found: dict[str, JsonValue] = {
        what: [_plain(row) for row in transaction.connection.execute(query).mappings()]
        for what, query in queries.items()
    }
    parts: dict[str, JsonValue] = {}
    for extension in extensions.having("export"):
        # Nothing was written that it could undo, and a transaction that only reads takes no savepoint everywhere.
        parts[extension.name] = extension.export(LentTransaction(transaction, None), user_id)
    return {"bot_id": bot_id, "user_id": user_id, **found, "extensions": parts}


def _has_words(*columns: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    return sa.or_(*[column.is_not(None) for column in columns])


def _plain(row: Mapping[Any, Any]) -> dict[str, JsonValue]:
    return {
        str(name): value.isoformat()
        if isinstance(value, datetime)
        else load(value)
        if name in _JSON and isinstance(value, str)
        else value
        for name, value in row.items()
        if name not in {"bot_id", "user_id"} and value is not None
    }


def _of_extensions(
    transaction: Transaction, bot_id: int, user_id: int, extensions: Extensions, erased_there: Collection[str]
) -> tuple[str, ...]:
    """Tables with rows about the person that a used extension does not remove; raises for one that nobody uses here."""
    erasing = {*erased_there, *(extension.name for extension in extensions.having("erase"))}
    kept = []
    for row in listed(transaction):
        if row.extension in erasing or not _has_rows(transaction, row.table_name, bot_id, user_id):
            continue
        if extensions.find(row.extension) is None:
            finding = f"its table {row.table_name} has rows about user {user_id}, and this program does not use it"
            advice = f"nothing was removed; in a program that uses it: await neonpay.people.erase({user_id})"
            raise ExtensionError(row.extension, finding, advice=advice)
        kept.append(row.table_name)
    return tuple(kept)


def _has_rows(transaction: Transaction, name: str, bot_id: int, user_id: int) -> bool:
    connection = transaction.connection
    columns = {column["name"] for column in sa.inspect(connection).get_columns(name)}
    if "user_id" not in columns:
        return False
    table = sa.table(name, sa.column("user_id", sa.BigInteger), sa.column("bot_id", sa.BigInteger))
    about: Sequence[sa.ColumnElement[bool]] = (table.c.user_id == user_id,)
    if "bot_id" in columns:
        about = (*about, table.c.bot_id == bot_id)
    return connection.execute(sa.select(sa.literal(1)).select_from(table).where(*about).limit(1)).first() is not None

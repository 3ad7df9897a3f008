"""A batch becomes rows at the centre: one transaction writes its events, each once, and registers its bot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from neonpay.collection.bot_numbers import bot_number, word_in
from neonpay.collection.sorting import KNOWN_TO_LEDGERS, sorted_events, timeless
from neonpay.collection.wire import Accepted, Batch, soft_events
from neonpay.core.clock import microseconds
from neonpay.core.webhook_signing import new_secret
from neonpay.errors import NeonPayError
from neonpay.ledger import Insert, Transaction
from neonpay.ledger.tables_collection import collected_bots, collection_secrets
from neonpay.store.signing_keys import read_keys
from neonpay.tracking import SoftEvent
from neonpay.tracking.forgetting import forget_told, kept_of
from neonpay.tracking.rows import insert_soft

BOTS_MAX: Final = 10_000
"""Bots of one centre; who is one too many is refused, as a program that invents bots would be."""
LEDGER_SILENT_MAX: Final = timedelta(days=7)
"""A bot that was heard for longer than this while its ledger said nothing has no ledger that tells any more.

By when the bot was heard and not by today, so that whatever waited for a centre that was away is told as before.
"""
_FIRST: Final = "first"
_BOTS = Insert(collected_bots, "bot_id", "alias", "name", "first_at", "seen_at", "events", "repeated", "moved")
_SECRETS = Insert(collection_secrets, "secret_id", "secret", "made_at")


class OwnBotError(NeonPayError):
    """The bot sells on the ledger of the centre, and nobody else may speak for it without a signature."""


class TooManyBotsError(NeonPayError):
    """A centre has heard of as many bots as it takes."""


def receive(
    transaction: Transaction, batch: Batch, events: list[SoftEvent], moved: int, now_us: int, *, is_signed: bool = True
) -> tuple[Accepted, list[SoftEvent]]:
    """Keep the events of a batch and register its bot; what to answer, and what of it is kept or erases somebody.

    A unit of work. What came before is not written again.

    Raises:
        OwnBotError: the batch is not signed, and its bot sells on this ledger.
        TooManyBotsError: the bot is new, and there are 10,000.
    """
    number = bot_number(batch.bot_id)
    if not is_signed and read_keys(transaction, number):
        msg = f"bot {number} sells on the ledger of this centre: sign what you send for it, with the centre's secret"
        raise OwnBotError(msg)
    has_ledger = _register(transaction, batch, number, now_us)
    found = sorted_events(events)
    # All of a batch knows whom it erases, in whatever order it has its events.
    news = sum([forget_told(transaction, number, event.user_id or 0, microseconds(event.at)) for event in found.erased])
    says_ledger = bool(found.facts or found.says_ledger)
    bot = collected_bots.c
    counted: dict[str, Any] = {}
    if says_ledger:
        counted["ledger_at"] = now_us
    elif found.says_left:
        counted["ledger_at"], has_ledger = None, False
    told = [event for event in found.told if not (says_ledger or has_ledger) or event.kind not in KNOWN_TO_LEDGERS]
    others = [*found.facts, *told]
    kept = kept_of(transaction, others, timeless=timeless(others, now_us))
    written, forgotten, beside = insert_soft(transaction, kept), len(others) - len(kept), len(found.told) - len(told)
    accepted = Accepted(received=len(events), new=written + news, moved=moved, forgotten=forgotten, beside=beside)
    repeated = len(events) - found.says_ledger - found.says_left - accepted.new - forgotten - beside
    counted |= {
        "seen_at": now_us,
        "events": bot.events + written,
        "repeated": bot.repeated + repeated,
        "moved": bot.moved + moved,
    }
    if batch.bot_name is not None:
        counted["name"] = batch.bot_name
    transaction.connection.execute(sa.update(collected_bots).where(bot.bot_id == number).values(counted))
    return accepted, [*found.erased, *kept]


def placed_events(batch: Batch, now_us: int, *, is_single: bool = False) -> tuple[list[SoftEvent], int]:
    """The events of a batch as ``receive`` takes them, and how many of them are kept under another time than they told.

    Args:
        is_single: whether it came as one event.

    Raises:
        ValidationError: one cannot be kept.
    """
    return soft_events(batch, bot_number(batch.bot_id), now_us, is_single=is_single)


def kept_secrets(transaction: Transaction) -> list[str]:
    """The secrets that the ledger keeps, newest first; a unit of work."""
    newest_first = sa.select(collection_secrets.c.secret).order_by(
        collection_secrets.c.made_at.desc(), collection_secrets.c.secret_id.desc()
    )
    return list(transaction.connection.execute(newest_first).scalars())


def made_secret(transaction: Transaction, now_us: int, token_bytes: Callable[[int], bytes]) -> str | None:
    """The secret that was made now; None when the ledger has one. A unit of work."""
    # Two centres that start together insert under one id, and the second finds the first one's secret.
    secret = new_secret(token_bytes)
    return secret if transaction.insert(_SECRETS, (_FIRST, secret, now_us)) else None


def _register(transaction: Transaction, batch: Batch, number: int, now_us: int) -> bool:
    """Have the bot among those of the centre; whether it sends what its ledger knows."""
    bot = collected_bots.c
    query = sa.select(bot.ledger_at, bot.seen_at).where(bot.bot_id == number).with_for_update()
    row = transaction.connection.execute(query).first()
    if row is not None:
        ledger_at, seen_at = row
        return ledger_at is not None and seen_at - ledger_at < LEDGER_SILENT_MAX
    count = transaction.connection.execute(sa.select(sa.func.count()).select_from(collected_bots)).scalar_one()
    if count >= BOTS_MAX:
        msg = f"this centre has {BOTS_MAX} bots, and takes no more"
        raise TooManyBotsError(msg)
    transaction.insert(_BOTS, (number, word_in(batch.bot_id), batch.bot_name, now_us, now_us, 0, 0, 0))
    return False

"""A batch becomes rows at the centre: one transaction writes its events, each once, and registers its bot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import sqlalchemy as sa

from neonpay.collection.bot_numbers import bot_number, word_in
from neonpay.collection.signing import new_secret
from neonpay.collection.wire import ERASED, MARK, Accepted, Batch, soft_events
from neonpay.core.clock import microseconds
from neonpay.errors import NeonPayError
from neonpay.ledger import Insert, Transaction
from neonpay.ledger.tables_collection import collected_bots, collection_secrets
from neonpay.store.signing_keys import read_keys
from neonpay.tracking import SoftEvent
from neonpay.tracking.forgetting import forget_told, kept_of
from neonpay.tracking.rows import insert_soft

BOTS_MAX: Final = 10_000
"""Bots of one centre; who is one too many is refused, as a program that invents bots would be."""
_FIRST: Final = "first"
_BOTS = Insert(collected_bots, "bot_id", "alias", "name", "first_at", "seen_at", "events", "repeated", "moved")
_SECRETS = Insert(collection_secrets, "secret_id", "secret", "made_at")


class OwnBotError(NeonPayError):
    """The bot sells on the ledger of the centre, and nobody else may speak for it without a signature."""


class TooManyBotsError(NeonPayError):
    """A centre has heard of as many bots as it takes."""


def receive(
    transaction: Transaction, batch: Batch, events: list[SoftEvent], moved: int, now_us: int, *, is_signed: bool = True
) -> Accepted:
    """Keep the events of a batch and register its bot; a unit of work. What came before is not written again.

    Raises:
        OwnBotError: the batch is not signed, and its bot sells on this ledger.
        TooManyBotsError: the bot is new, and there are 10,000.
    """
    number = bot_number(batch.bot_id)
    if not is_signed and read_keys(transaction, number):
        msg = f"bot {number} sells on the ledger of this centre: sign what you send for it, with the centre's secret"
        raise OwnBotError(msg)
    _register(transaction, batch, number, now_us)
    # All of a batch knows whom it erases, in whatever order it has its events.
    erased, others = _parted(events)
    news = [user_id for user_id, at_us in erased if forget_told(transaction, number, user_id, at_us)]
    kept = kept_of(transaction, others, timeless=_timeless(others, now_us))
    written, forgotten = insert_soft(transaction, kept), len(others) - len(kept)
    new = written + len(news)
    bot = collected_bots.c
    counted = {
        "seen_at": now_us,
        "events": bot.events + written,
        "repeated": bot.repeated + (len(events) - new - forgotten),
        "moved": bot.moved + moved,
    }
    if batch.bot_name is not None:
        counted["name"] = batch.bot_name
    transaction.connection.execute(sa.update(collected_bots).where(bot.bot_id == number).values(counted))
    return Accepted(received=len(events), new=new, moved=moved, forgotten=forgotten)


def _parted(events: list[SoftEvent]) -> tuple[list[tuple[int, int]], list[SoftEvent]]:
    """Whom a batch erases, and up to when; and what else is in it."""
    erased, others = [], []
    for event in events:
        if event.kind == ERASED and event.user_id is not None:
            erased.append((event.user_id, microseconds(event.at)))
        else:
            others.append(event)
    return erased, others


def _timeless(events: list[SoftEvent], now_us: int) -> set[str]:
    """Ids of events that told a time which cannot be, and are kept under that in which they came."""
    return {event.event_id for event in events if MARK in event.data and microseconds(event.at) == now_us}


def placed_events(batch: Batch, now_us: int) -> tuple[list[SoftEvent], int]:
    """The events of a batch as ``receive`` takes them, and how many of them are kept under another time than they told.

    Raises:
        ValidationError: one cannot be kept.
    """
    return soft_events(batch, bot_number(batch.bot_id), now_us)


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


def _register(transaction: Transaction, batch: Batch, number: int, now_us: int) -> None:
    query = sa.select(collected_bots.c.bot_id).where(collected_bots.c.bot_id == number).with_for_update()
    if transaction.connection.execute(query).first() is not None:
        return
    count = transaction.connection.execute(sa.select(sa.func.count()).select_from(collected_bots)).scalar_one()
    if count >= BOTS_MAX:
        msg = f"this centre has {BOTS_MAX} bots, and takes no more"
        raise TooManyBotsError(msg)
    transaction.insert(_BOTS, (number, word_in(batch.bot_id), batch.bot_name, now_us, now_us, 0, 0, 0))

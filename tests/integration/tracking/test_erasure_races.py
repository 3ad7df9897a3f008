"""Somebody is forgotten while another process writes of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from neonpay.core.clock import microseconds
from neonpay.ledger import Ledger, Transaction, open_ledger
from neonpay.ledger.tables_tracking import soft_events
from neonpay.payments.erasure import remove_soft
from neonpay.store.forgotten import begin_forgetting
from neonpay.tracking import SoftEvent
from neonpay.tracking.forgetting import forget_told, kept_of
from neonpay.tracking.rows import insert_soft

BOT, ANN = 7_000_001, 5
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
SEEN = SoftEvent(event_id="e", bot_id=BOT, kind="product_view", at=NOON, user_id=ANN)
_WAITS = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'")


def erased_between_the_look_and_the_row(url: str, erase: Callable[[Ledger], object]) -> list[Any]:
    """What is left of Ann when she is erased after a writer has looked whether she was, and before it writes."""
    writing, erasing = open_ledger(url), open_ledger(url)
    is_erased, pool = threading.Event(), ThreadPoolExecutor(1)

    def erase_her() -> None:
        erase(erasing)
        is_erased.set()

    def write(transaction: Transaction) -> None:
        kept = kept_of(transaction, [SEEN])
        under_way.append(pool.submit(erase_her))
        while not (is_erased.wait(0.01) or transaction.connection.execute(_WAITS).scalar()):
            pass
        insert_soft(transaction, kept)

    under_way: list[Any] = []
    try:
        erasing.open_sync()
        writing.run_sync(write)
        under_way[0].result()
        return writing.read_sync(lambda tx: list(tx.connection.execute(sa.select(soft_events.c.user_id))))
    finally:
        pool.shutdown()
        writing.close_sync()
        erasing.close_sync()


def test_what_another_program_is_about_to_write_of_an_erased_person_is_removed(postgres_url: str) -> None:
    def erase(ledger: Ledger) -> None:
        ledger.run_sync(begin_forgetting, BOT, ANN, microseconds(NOON))
        ledger.run_sync(remove_soft, BOT, ANN)

    assert erased_between_the_look_and_the_row(postgres_url, erase) == []


def test_what_a_centre_is_about_to_write_of_an_erased_person_is_removed(postgres_url: str) -> None:
    def erase(ledger: Ledger) -> None:
        ledger.run_sync(forget_told, BOT, ANN, microseconds(NOON))

    assert erased_between_the_look_and_the_row(postgres_url, erase) == []

"""Whole lives of shops again, in which every unit of work runs twice: what their tests ask for has to hold all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from neonpay.app import house
from neonpay.books.verification import prove
from neonpay.ledger import Transaction, open_ledger
from neonpay.store.signing_keys import bots
from tests.failure.twice.twice_ledger import TwiceLedger
from tests.integration.conftest import clock, open_shop, other_url, query, shop, telegram
from tests.integration.reconcile.conftest import books, sells_unseen

if TYPE_CHECKING:
    from collections.abc import Iterator

_COUNTS = (
    "test_a_handler_for_which_payments_wait_is_not_retired_by_accident",
    "test_a_program_counts_actions_of_its_own",
    "test_a_repeated_checkout_counts_once",
    "test_old_conduct_is_forgotten_and_blocks_that_are_over",
)
"""Tests of numbers alone: how many rows this run of a unit has ended or forgotten, which the first one did; and how often a
query was let through, of which it matters only whether that was more than once."""

__all__ = ["books", "clock", "open_shop", "other_url", "query", "sells_unseen", "shop", "telegram"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = str(config.rootpath / "tests" / "failure" / "twice")
    left_out = [item for item in items if str(item.path).startswith(here) and item.name.partition("[")[0] in _COUNTS]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(autouse=True)
def every_unit_runs_twice(monkeypatch: pytest.MonkeyPatch, database_url: str) -> Iterator[None]:
    """In every shop of the test; and at its end all books add up."""

    def twice(*args: Any, **kwargs: Any) -> TwiceLedger:
        return TwiceLedger(open_ledger(*args, **kwargs))

    monkeypatch.setattr(house, "open_ledger", twice)
    yield
    ledger = open_ledger(database_url)
    findings = ledger.read_sync(_findings)
    ledger.close_sync()
    assert not findings


def _findings(transaction: Transaction) -> list[object]:
    return [finding for bot_id in bots(transaction) for finding in prove(transaction, bot_id).findings]

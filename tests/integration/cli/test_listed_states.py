"""``neonpay payments list --state`` takes the words that the list itself shows."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from neonpay.cli.main import app
from neonpay.cli.reading.payments import read_page
from neonpay.core.job_states import JobState
from neonpay.ledger import Transaction, open_ledger
from neonpay.ledger.tables import jobs, payments
from neonpay.payments.consumers.selection import PLAN, REFUND
from neonpay.payments.progress import Progress, is_so_far, standing_of
from neonpay.store.payment_filter import Selection

if TYPE_CHECKING:
    from tests.integration.cli.busy import Busy
    from tests.integration.cli.conftest import Command

OF_DELIVERIES = [state for state in JobState if state not in {JobState.REFUSED, JobState.WAITING}]
"""Only messages are refused, and only requests for refunds wait for a decision: no delivery of a payment does."""
SHOWN = ["delivered", "waiting", "dead", "dropped", "attention", "refunded"]


def listed(busy: Busy, *options: str) -> list[tuple[str, str]]:
    environment = {"NEONPAY_DATABASE_URL": busy.url, "NEONPAY_BOT_TOKEN": None, "NEONPAY_BOT_ID": None}
    result = CliRunner().invoke(app, ["payments", "list", "--json", *options], env=environment)
    assert result.exit_code == 0
    return [(payment["charge_id"], payment["delivery"]["state"]) for payment in json.loads(result.stdout)]


@pytest.mark.parametrize("state", SHOWN)
def test_a_state_that_the_list_shows_can_be_asked_for(busy: Busy, state: str) -> None:
    everything = listed(busy)
    assert {"delivered", "waiting", "dead", "attention", "refunded"} <= {shown for _, shown in everything}
    assert listed(busy, "--state", state) == [one for one in everything if one[1] == state]


def test_a_wrong_state_is_told_with_the_right_ones(busy: Busy) -> None:
    result = CliRunner().invoke(app, ["payments", "list", "--state", "broken", "--database", busy.url])
    assert result.exit_code == 2
    assert all(state in result.stderr for state in [*SHOWN, "accepted", "needs_attention", "refund_due"])


async def test_what_is_asked_for_is_what_is_shown_whatever_jobs_a_payment_has(
    neonpay: Command, database_url: str
) -> None:
    """Every state of a handler beside every state of another, with and without a refund under way."""
    ledger, bot_id, charge_id = open_ledger(database_url), neonpay.shop.account.id, neonpay.charges["kept"]

    def differ(transaction: Transaction) -> list[str]:
        (kept,) = [
            one for one in read_page(transaction, [bot_id], Selection(), 100).rows if one.payment.charge_id == charge_id
        ]
        row = transaction.connection.execute(sa.select(jobs).where(jobs.c.charge_id == charge_id)).mappings().all()[0]
        asked = [is_so_far(progress, bot_id).label(progress.name) for progress in Progress]
        told: list[str] = []
        for handler, other, refund in product(OF_DELIVERIES, OF_DELIVERIES, (None, JobState.READY, JobState.DEAD)):
            second = PLAN if handler is other else "handler:late"
            made = {"handler:deliver": handler, second: other, REFUND: refund}
            rows = [dict(row) | {"consumer": name, "state": state} for name, state in made.items() if state is not None]
            transaction.connection.execute(sa.delete(jobs).where(jobs.c.charge_id == charge_id))
            transaction.connection.execute(sa.insert(jobs), rows)
            found = transaction.connection.execute(sa.select(*asked).where(payments.c.charge_id == charge_id)).one()
            records = [replace(kept.jobs[0], consumer=each["consumer"], state=each["state"]) for each in rows]
            shown = standing_of(kept.payment, records).progress
            if [progress for progress, is_so in zip(Progress, found, strict=True) if is_so] != [shown]:
                told.append(f"{made}: shown as {shown}, found as {found}")
        return told

    assert await ledger.run(differ) == []
    await ledger.close()

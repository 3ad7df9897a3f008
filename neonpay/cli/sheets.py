"""How payments look on a terminal and as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from neonpay.core.jsontext import JsonValue
from neonpay.core.payments import Payment, Refund

if TYPE_CHECKING:
    from neonpay.store.job_rows import JobRecord

_SHOWN_CHARS = 12
_PIPE_COLUMNS = 400
"""Width of a table that no terminal shows: nothing is cut off or wrapped."""


def new_console() -> Console:
    """Standard output; what goes into a pipe or a file is as wide as it is."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PIPE_COLUMNS
    return console


def print_json(value: JsonValue) -> None:
    """Print a value for programs."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_payments(payments: Sequence[Payment]) -> None:
    """Print payments as a table."""
    console = new_console()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("paid (UTC)", no_wrap=True, min_width=16)
    table.add_column("user", no_wrap=True, min_width=10)
    table.add_column("stage", overflow="fold")
    table.add_column("Stars", justify="right", no_wrap=True, min_width=5)
    table.add_column("state", min_width=16)
    table.add_column("charge id", no_wrap=True, min_width=13)
    for payment in payments:
        state = Text(payment.state.value if payment.attention is None else f"{payment.state}: {payment.attention}")
        table.add_row(
            minute(payment.paid_at),
            str(payment.user_id),
            Text(payment.stage_id or "–"),
            str(payment.amount_stars),
            state,
            Text(payment.charge_id if not console.is_terminal else shortened(payment.charge_id)),
        )
    console.print(table)


def print_payment(payment: Payment, jobs: Sequence[JobRecord], refund: Refund | None) -> None:
    """Print everything about one payment."""
    console = new_console()
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in payment_json(payment).items():
        if value is not None and value != {}:
            facts.add_row(name, Text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))
    if refund is not None:
        words = [
            f"{refund.state}, asked for at {minute(refund.requested_at)}",
            refund.requested_by and f"by {refund.requested_by}",
        ]
        words += [refund.reason, refund.error]
        facts.add_row("refund", Text("; ".join(word for word in words if word)))
    console.print(facts)
    if jobs:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
        for name in ("job", "state", "attempts", "error"):
            table.add_column(name)
        for job in jobs:
            table.add_row(Text(job.consumer), job.state, str(job.attempts), Text(job.error or ""))
        console.print(table)


def payment_json(payment: Payment) -> dict[str, JsonValue]:
    """A payment as JSON; the signed payload is left out."""
    return {
        "charge_id": payment.charge_id,
        "paid_at": payment.paid_at.isoformat(),
        "recorded_at": payment.recorded_at.isoformat(),
        "user_id": payment.user_id,
        "amount_stars": payment.amount_stars,
        "currency": payment.currency,
        "state": payment.state.value,
        "attention": None if payment.attention is None else payment.attention.value,
        "stage_id": payment.stage_id,
        "stage_version": payment.stage_version,
        "invoice_id": payment.invoice_id,
        "number": payment.number,
        "source": payment.source.value,
        "is_recurring": payment.is_recurring,
        "is_first_recurring": payment.is_first_recurring,
        "subscription_expires_at": iso_or_none(payment.subscription_expires_at),
        "metadata": payment.metadata,
    }


def refund_json(refund: Refund) -> dict[str, JsonValue]:
    """A refund as JSON."""
    return {
        "charge_id": refund.charge_id,
        "user_id": refund.user_id,
        "amount_stars": refund.amount_stars,
        "state": refund.state.value,
        "reason": refund.reason,
        "requested_by": refund.requested_by,
        "requested_at": refund.requested_at.isoformat(),
        "finished_at": iso_or_none(refund.finished_at),
        "source": refund.source.value,
        "error": refund.error,
    }


def job_json(job: JobRecord) -> dict[str, JsonValue]:
    """A job as JSON."""
    return {"job": job.consumer, "state": job.state, "attempts": job.attempts, "error": job.error}


def print_facts(facts: Mapping[str, str]) -> None:
    """Print names and values, one line each."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in facts.items():
        grid.add_row(name, Text(value))
    new_console().print(grid)


def minute(at: datetime) -> str:
    """A time to the minute."""
    return f"{at:%Y-%m-%d %H:%M}"


def iso_or_none(at: datetime | None) -> str | None:
    """A time as ISO 8601, if there is one."""
    return None if at is None else at.isoformat()


def shortened(charge_id: str) -> str:
    """The beginning of a charge id, which is enough to name a payment by."""
    return charge_id if len(charge_id) <= _SHOWN_CHARS else f"{charge_id[:_SHOWN_CHARS]}…"

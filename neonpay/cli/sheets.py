"""How payments look on a terminal and as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import typer

from neonpay.cli.columns import Column, folded, id_chars, print_with_remarks, shown, terminal_width
from neonpay.cli.counted import of_total
from neonpay.core.charge_ids import SHORT_CHARS
from neonpay.core.jsontext import JsonValue

if TYPE_CHECKING:
    from rich.console import Console

    from neonpay.cli.reading.payments import Page
    from neonpay.core.payments import Payment, Refund
    from neonpay.store.job_rows import JobRecord

_PIPE_COLUMNS = 400
"""Width of a table of rich's that no terminal shows: nothing is cut off or wrapped."""
LEAST_BESIDE_BOT: Final = 9
"""Characters of a charge id that are always shown beside a column for the bot, which takes the room of more."""


def new_console() -> Console:
    """Standard output; what goes into a pipe or a file is as wide as it is."""
    from rich.console import Console

    console = Console(highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = _PIPE_COLUMNS
    return console


def print_json(value: JsonValue) -> None:
    """Print a value for programs."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_payments(page: Page, *, with_bot: bool) -> None:
    """Print payments as a table, and how many there are in all."""
    from neonpay.payments.progress import standing_of

    standings = [standing_of(row.payment, row.jobs) for row in page.rows]
    ids = [row.payment.charge_id for row in page.rows]
    columns = [
        Column(title="paid (UTC)"),
        *([Column(title="bot")] if with_bot else []),
        Column(title="user"),
        Column(title="stage", least=5, gives=2),
        Column(title="Stars", is_number=True),
        Column(title="state"),
        Column(
            title="charge id", least=id_chars(ids, least=LEAST_BESIDE_BOT if with_bot else SHORT_CHARS) + 1, gives=1
        ),
    ]
    rows = [
        [
            minute(row.payment.paid_at),
            *([str(row.payment.bot_id)] if with_bot else []),
            str(row.payment.user_id),
            row.payment.stage_id or "–",
            f"{row.payment.amount_stars:,}",
            standing.progress.value,
            row.payment.charge_id,
        ]
        for row, standing in zip(page.rows, standings, strict=True)
    ]
    print_with_remarks(columns, rows, "why", [standing.why for standing in standings])
    typer.echo()
    typer.echo(of_total(len(page.rows), page.total, "payment"))


def print_payment(payment: Payment, jobs: Sequence[JobRecord], refund: Refund | None) -> None:
    """Print everything about one payment."""
    from neonpay.payments.progress import standing_of

    standing = standing_of(payment, jobs)
    facts: dict[str, str] = {"delivery": " – ".join(filter(None, (standing.progress.value, standing.why)))}
    for name, value in payment_json(payment).items():
        if value is not None and value != {}:
            facts[name] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if refund is not None:
        words = [
            f"{refund.state}, asked for at {minute(refund.requested_at)}",
            refund.requested_by and f"by {refund.requested_by}",
        ]
        words += [refund.reason, refund.error]
        facts["refund"] = "; ".join(word for word in words if word)
    print_facts(facts)
    if jobs:
        typer.echo()
        columns = [Column(title="job"), Column(title="state"), Column(title="attempts", is_number=True)]
        rows = [[job.consumer, job.state, str(job.attempts)] for job in jobs]
        print_with_remarks(columns, rows, "error", [job.error or "" for job in jobs], whole=True)


def payment_json(payment: Payment) -> dict[str, JsonValue]:
    """A payment as JSON; the signed payload is left out."""
    return {
        "bot_id": payment.bot_id,
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
        "title": payment.title,
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


def listed_json(payment: Payment, jobs: Sequence[JobRecord]) -> dict[str, JsonValue]:
    """A payment of a list as JSON: also how far it is, and the handler that has failed."""
    from neonpay.payments.progress import standing_of

    standing = standing_of(payment, jobs)
    delivery: JsonValue = {"state": standing.progress.value, "handler": standing.handler, "error": standing.error}
    return {**payment_json(payment), "delivery": delivery}


def print_facts(facts: Mapping[str, str], *, whole: Container[str] = ()) -> None:
    """Print names and values; a value that does not fit goes on below itself. One of ``whole`` is not broken: it is copied."""
    indent = max(map(len, facts), default=0) + 2
    width = terminal_width()
    for name, value in facts.items():
        room = None if width is None or name in whole else max(width - indent, 20)
        lines = folded(shown(value), room)
        typer.echo(f"{name:<{indent}}{lines[0]}".rstrip())
        for line in lines[1:]:
            typer.echo(" " * indent + line)


def minute(at: datetime) -> str:
    """A time to the minute."""
    return f"{at:%Y-%m-%d %H:%M}"


def iso_or_none(at: datetime | None) -> str | None:
    """A time as ISO 8601, if there is one."""
    return None if at is None else at.isoformat()

"""``neonpay payments``: find payments, and decide about those that wait for somebody."""

from __future__ import annotations

import enum
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from neonpay.cli.asking import agreed, who_decides
from neonpay.cli.counted import counted
from neonpay.cli.exit_codes import FOUND
from neonpay.cli.sheets import (
    job_json,
    listed_json,
    minute,
    payment_json,
    print_json,
    print_payment,
    print_payments,
    refund_json,
)
from neonpay.cli.shop import (
    AllBotsOption,
    ApiOption,
    BotOption,
    DatabaseOption,
    JsonOption,
    SinceOption,
    TokenFileOption,
    UntilOption,
    UserOption,
    Where,
    errors_in_one_line,
    of_bot,
    read_ledger,
    run_in_shop,
    where,
    where_to_read,
)
from neonpay.cli.typed import LimitOption
from neonpay.core.charge_ids import shortened
from neonpay.core.job_states import JobState
from neonpay.core.payments import Payment, PaymentState, Refund, RefundState
from neonpay.errors import PaymentError, RefundError

if TYPE_CHECKING:
    from neonpay.app import NeonPayCore
    from neonpay.cli.reading.payments import Page
    from neonpay.ledger import Transaction
    from neonpay.store.job_rows import JobRecord

payments = typer.Typer(help="Find payments, and decide about those that wait for somebody.", no_args_is_help=True)

ChargeArgument = Annotated[
    str, typer.Argument(help="Telegram's charge id, or as much of its beginning as one payment alone has.")
]


class ListedState(enum.StrEnum):
    """What may be asked for: the states that the list shows, and those that the ledger has."""

    DELIVERED = "delivered"
    WAITING = "waiting"
    DEAD = "dead"
    DROPPED = "dropped"
    ATTENTION = "attention"
    ACCEPTED = "accepted"
    NEEDS_ATTENTION = "needs_attention"
    REFUND_DUE = "refund_due"
    REFUNDED = "refunded"


@payments.command("list")
def list_payments(
    *,
    state: Annotated[
        ListedState | None,
        typer.Option(help="Only payments in this state, of those that are listed or of the ledger's."),
    ] = None,
    user: UserOption = None,
    stage: Annotated[str | None, typer.Option(help="Only payments of this stage id.")] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    needs_attention: Annotated[
        bool, typer.Option("--needs-attention", help="Only payments that a person has to decide on.")
    ] = False,
    dead_letters: Annotated[
        bool, typer.Option("--dead-letters", help="Only payments with a handler that has failed on its last attempt.")
    ] = False,
    refund: Annotated[RefundState | None, typer.Option(help="Only payments whose refund has come so far.")] = None,
    limit: LimitOption = 100,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
    all_bots: AllBotsOption = False,
) -> None:
    """List payments, newest first, and what has become of each."""
    from neonpay.cli.reading.payments import read_page
    from neonpay.cli.reading.people import user_id_of
    from neonpay.payments.namespaces.asked import named
    from neonpay.payments.progress import Progress
    from neonpay.store.payment_filter import Selection

    if needs_attention:
        if state not in {None, ListedState.NEEDS_ATTENTION, ListedState.ATTENTION}:
            raise typer.BadParameter("it contradicts --state", param_hint="--needs-attention")
        state = ListedState.NEEDS_ATTENTION
    in_ledger = None if state is None else next((one for one in PaymentState if one.value == state.value), None)
    progress = None if state is None else next((one for one in Progress if one.value == state.value), None)
    selection = Selection(
        state=in_ledger,
        stage_id=named("stage_id", stage),
        since=since,
        until=until,
        has_dead_letters=dead_letters,
        refund=refund,
    )

    def find(transaction: Transaction, bots: list[int]) -> tuple[Page, bool]:
        whose = replace(selection, user_id=user_id_of(transaction, bots, user))
        return read_page(transaction, bots, whose, limit, progress), len(bots) > 1

    with errors_in_one_line():
        at = where_to_read(database, bot_id, all_bots=all_bots)
        page, has_several = read_ledger(at, find)
    if json:
        print_json([listed_json(row.payment, row.jobs) for row in page.rows])
    elif page.rows:
        print_payments(page, with_bot=has_several)
    else:
        typer.echo(f"No such payments. Stages that were offered: {', '.join(page.stages) or 'none'}.")


@payments.command()
def show(
    charge_id: ChargeArgument, *, json: JsonOption = False, database: DatabaseOption = None, bot_id: BotOption = None
) -> None:
    """Show a payment, how far each of its jobs has come, and its refund."""
    with errors_in_one_line():
        at, named = _named(where_to_read(database, bot_id), charge_id)
        payment, jobs, refund = run_in_shop(at, lambda shop: _whole(shop, named), only_reads=True)
    if json:
        print_json(
            {
                **listed_json(payment, jobs),
                "jobs": [job_json(job) for job in jobs],
                "refund": None if refund is None else refund_json(refund),
            }
        )
    else:
        print_payment(payment, jobs, refund)


@payments.command()
def retry(
    charge_id: ChargeArgument,
    *,
    handler: Annotated[str | None, typer.Option(help="Only this handler.")] = None,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
) -> None:
    """Have the bot run the unfinished handlers of a payment again now, dead letters included."""
    from neonpay.cli.reading.payments import Named, due_already

    async def revive(shop: NeonPayCore) -> int:
        payment, jobs, _ = await _whole(shop, named)
        _refuse_vain_retry(payment, jobs, handler, due=due)
        return await shop.jobs.retry(payment.charge_id, handler=handler)

    with errors_in_one_line():
        at, named = _named(where(database, bot_id), charge_id)
        due = read_ledger(at, lambda transaction, bots: due_already(transaction, Named(bots[0], named)))
        revived = run_in_shop(at, revive)
    if json:
        print_json({"charge_id": named, "due": revived})
    else:
        typer.echo(f"{counted(revived, 'job is', 'jobs are')} due now; the bot runs what is due.")


@payments.command()
def accept(
    charge_id: ChargeArgument,
    *,
    delivered: Annotated[
        bool,
        typer.Option("--delivered", help="The buyer has what was paid for: it counts as earned, and no handler runs."),
    ] = False,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
) -> None:
    """Have a payment that needs attention delivered: it counts as earned, and the bot runs its handlers."""

    async def decide(shop: NeonPayCore) -> Payment:
        payment = await shop.payments.get(named)
        if payment.state is not PaymentState.NEEDS_ATTENTION:
            others = await shop.payments.needs_attention(limit=_MOST_NAMED)
            msg = (
                f"{shortened(named)} is {payment.state.value} already, and nothing was changed; what needs attention: "
            )
            raise PaymentError(msg + (", ".join(shortened(other.charge_id) for other in others) or "nothing"))
        return await shop.payments.accept(payment.charge_id, is_delivered=delivered)

    with errors_in_one_line():
        at, named = _named(where(database, bot_id), charge_id)
        payment = run_in_shop(at, decide)
    if json:
        print_json(payment_json(payment))
    else:
        ends = "no handler runs" if delivered else "the bot delivers it"
        typer.echo(f"{shortened(payment.charge_id)} is accepted; {ends}.")


@payments.command()
def refund(
    charge_id: ChargeArgument,
    *,
    reason: Annotated[str | None, typer.Option(help="Why, in words for the owner.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before.")] = False,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
    token_file: TokenFileOption = None,
    api_url: ApiOption = None,
) -> None:
    """Give the Stars of a payment back, whole. Without the bot's token, the running bot does it.

    Exit code 1 when Telegram refuses for good.
    """
    with errors_in_one_line():
        at, named = _named(where(database, bot_id, token_file=token_file, api_url=api_url), charge_id)
        payment, _, before = run_in_shop(at, lambda shop: _whole(shop, named))
        _refuse_vain_refund(before, makes_it=at.token is not None)
        words = f"Give {counted(payment.amount_stars, 'Star')} back to user {payment.user_id} for {shortened(named)}?"
        agreed(words, yes=yes)
    who = who_decides()

    async def give_back(shop: NeonPayCore) -> Refund:
        if at.token is None:
            return await shop.program.pipeline.refunds.leave(payment.charge_id, reason=reason, requested_by=who)
        return await shop.refund(payment.charge_id, reason=reason, requested_by=who)

    with errors_in_one_line():
        try:
            made = run_in_shop(at, give_back)
        except RefundError as error:
            typer.echo(f"neonpay: {error}", err=True)
            raise typer.Exit(FOUND) from None
    if json:
        print_json(refund_json(made))
    else:
        stars = counted(made.amount_stars, "Star is", "Stars are")
        typer.echo(_REFUND_WORDS[made.state].format(stars=stars, user=made.user_id))


_MOST_NAMED = 8
_REFUND_WORDS = {
    RefundState.REFUNDED: "{stars} back with user {user}.",
    RefundState.INTENDED: "The refund is written down; the bot makes it as soon as it runs and Telegram lets it.",
    RefundState.UNKNOWN: "Telegram's answer was lost; the refund is written down, and the bot finds out and finishes it.",
    RefundState.FAILED: "Telegram has refused this refund before; the bot asks once more.",
}


def _named(at: Where, beginning: str) -> tuple[Where, str]:
    """The bot and the charge of the payment that is meant; raises PaymentError."""
    from neonpay.cli.reading.payments import find_named

    found = read_ledger(at, lambda transaction, bots: find_named(transaction, bots, beginning))
    return of_bot(at, found.bot_id), found.charge_id


async def _whole(shop: NeonPayCore, charge_id: str) -> tuple[Payment, list[JobRecord], Refund | None]:
    return await shop.payments.get(charge_id), await shop.jobs.of(charge_id), await shop.refunds.get(charge_id)


def _refuse_vain_retry(payment: Payment, jobs: list[JobRecord], handler: str | None, *, due: set[str]) -> None:
    """Raise PaymentError when there is nothing to retry; it lists the jobs that there are."""
    from neonpay.payments.progress import short_name

    if payment.state is PaymentState.NEEDS_ATTENTION:
        return  # the shop says what to do about it
    meant = [job for job in jobs if handler is None or handler in {job.consumer, short_name(job.consumer)}]
    waits = [job.consumer for job in meant if job.state in {JobState.READY, JobState.DEAD, JobState.HELD}]
    if set(waits) - due:
        return
    listed = ", ".join(f"{short_name(job.consumer)} {job.state}" for job in jobs) or "none"
    what = "no unfinished job" if handler is None else f"no unfinished job of {handler!r}"
    if waits:
        what = "only jobs that are due already (neonpay handlers list says which programs run them)"
    elif any(job.state == JobState.LEASED for job in meant):
        what = "no job to retry, since a program works on it at this moment"
    msg = f"{shortened(payment.charge_id)} has {what}, and nothing was changed; its jobs: {listed}"
    raise PaymentError(msg, charge_id=payment.charge_id)


def _refuse_vain_refund(refund: Refund | None, *, makes_it: bool) -> None:
    """Raise PaymentError when a refund is made, or is written down and nothing more can be done about it here."""
    if refund is None or refund.state is RefundState.FAILED:
        return
    if refund.state is RefundState.REFUNDED:
        when = f" since {minute(refund.finished_at)} UTC" if refund.finished_at else ""
        stars = counted(refund.amount_stars, "Star is", "Stars are")
        msg = f"{stars} back with user {refund.user_id}{when} already, and nothing was changed"
        raise PaymentError(msg, charge_id=refund.charge_id)
    if not makes_it:
        by = f" by {refund.requested_by}" if refund.requested_by else ""
        msg = (
            f"the refund is written down already, at {minute(refund.requested_at)} UTC{by}, and nothing was changed; "
            "the bot makes it, or give its token: --token-file"
        )
        raise PaymentError(msg, charge_id=refund.charge_id)

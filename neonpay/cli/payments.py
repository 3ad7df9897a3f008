"""``neonpay payments``: find payments, and decide about those that wait for somebody."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from neonpay.cli.sheets import (
    job_json,
    payment_json,
    print_json,
    print_payment,
    print_payments,
    refund_json,
    shortened,
)
from neonpay.cli.shop import (
    FOUND,
    ApiOption,
    BotOption,
    DatabaseOption,
    JsonOption,
    SinceOption,
    TokenFileOption,
    UntilOption,
    errors_in_one_line,
    in_utc,
    run_in_shop,
    where,
)
from neonpay.core.payments import Payment, PaymentState, Refund, RefundState
from neonpay.errors import RefundError

if TYPE_CHECKING:
    from neonpay.app import NeonPayCore
    from neonpay.store.job_rows import JobRecord

payments = typer.Typer(help="Find payments, and decide about those that wait for somebody.", no_args_is_help=True)

ChargeArgument = Annotated[
    str, typer.Argument(help="Telegram's charge id, or as much of its beginning as one payment alone has.")
]


@payments.command("list")
def list_payments(
    *,
    state: Annotated[PaymentState | None, typer.Option(help="Only payments in this state.")] = None,
    user: Annotated[int | None, typer.Option(help="Only payments of this user id.")] = None,
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
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
) -> None:
    """List payments, newest first."""
    if needs_attention:
        if state not in {None, PaymentState.NEEDS_ATTENTION}:
            raise typer.BadParameter("it contradicts --state", param_hint="--needs-attention")
        state = PaymentState.NEEDS_ATTENTION

    async def find(shop: NeonPayCore) -> list[Payment]:
        return await shop.payments.list(
            state=state,
            user_id=user,
            stage_id=stage,
            since=in_utc(since),
            until=in_utc(until),
            has_dead_letters=dead_letters,
            refund=refund,
            limit=limit,
        )

    with errors_in_one_line():
        found = run_in_shop(where(database, bot_id), find)
    if json:
        print_json([payment_json(payment) for payment in found])
    elif found:
        print_payments(found)
    else:
        typer.echo("No such payments.")


@payments.command()
def show(
    charge_id: ChargeArgument, *, json: JsonOption = False, database: DatabaseOption = None, bot_id: BotOption = None
) -> None:
    """Show a payment, how far each of its jobs has come, and its refund."""

    async def find(shop: NeonPayCore) -> tuple[Payment, list[JobRecord], Refund | None]:
        payment = await shop.payments.find(charge_id)
        return payment, await shop.jobs.of(payment.charge_id), await shop.refunds.get(payment.charge_id)

    with errors_in_one_line():
        payment, jobs, refund = run_in_shop(where(database, bot_id), find)
    if json:
        print_json(
            {
                **payment_json(payment),
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
    database: DatabaseOption = None,
    bot_id: BotOption = None,
) -> None:
    """Have the bot run the unfinished handlers of a payment again now, dead letters included."""

    async def revive(shop: NeonPayCore) -> int:
        payment = await shop.payments.find(charge_id)
        return await shop.jobs.retry(payment.charge_id, handler=handler)

    with errors_in_one_line():
        revived = run_in_shop(where(database, bot_id), revive)
    typer.echo(f"{revived} {'job is' if revived == 1 else 'jobs are'} due now; the bot runs what is due.")


@payments.command()
def accept(charge_id: ChargeArgument, *, database: DatabaseOption = None, bot_id: BotOption = None) -> None:
    """Have a payment that needs attention delivered: it counts as earned, and the bot runs its handlers."""

    async def decide(shop: NeonPayCore) -> Payment:
        payment = await shop.payments.find(charge_id)
        return await shop.payments.accept(payment.charge_id)

    with errors_in_one_line():
        payment = run_in_shop(where(database, bot_id), decide)
    typer.echo(f"{shortened(payment.charge_id)} is accepted; the bot delivers it.")


@payments.command()
def refund(
    charge_id: ChargeArgument,
    *,
    reason: Annotated[str | None, typer.Option(help="Why, in words for the owner.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before.")] = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
    token_file: TokenFileOption = None,
    api_url: ApiOption = None,
) -> None:
    """Give the Stars of a payment back, whole. Without the bot's token, the running bot does it.

    Exit code 1 when Telegram refuses for good.
    """
    with errors_in_one_line():
        at = where(database, bot_id, token_file=token_file, api_url=api_url)
        payment = run_in_shop(at, lambda shop: shop.payments.find(charge_id))
    if not yes:
        words = f"Give {payment.amount_stars} Stars back to user {payment.user_id} for {shortened(payment.charge_id)}?"
        typer.confirm(words, abort=True)
    who = f"{getpass.getuser()} by command"

    async def give_back(shop: NeonPayCore) -> Refund:
        if at.token is None:
            return await shop.pipeline.refunds.leave(payment.charge_id, reason=reason, requested_by=who)
        return await shop.refund(payment.charge_id, reason=reason, requested_by=who)

    with errors_in_one_line():
        try:
            made = run_in_shop(at, give_back)
        except RefundError as error:
            typer.echo(f"neonpay: {error}", err=True)
            raise typer.Exit(FOUND) from None
    typer.echo(_REFUND_WORDS[made.state].format(stars=made.amount_stars, user=made.user_id))


_REFUND_WORDS = {
    RefundState.REFUNDED: "{stars} Stars are back with user {user}.",
    RefundState.INTENDED: "The refund is written down; the bot makes it as soon as it runs and Telegram lets it.",
    RefundState.UNKNOWN: "Telegram's answer was lost; the refund is written down, and the bot finds out and finishes it.",
    RefundState.FAILED: "Telegram has refused this refund before; the bot asks once more.",
}

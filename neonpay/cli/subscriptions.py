"""``neonpay subscriptions``: who pays every month, until when, and ending that."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated

import typer

from neonpay.cli.columns import Column, id_chars, print_table
from neonpay.cli.counted import Total, of_total
from neonpay.cli.reading.standing import Standing
from neonpay.cli.sheets import iso_or_none, payment_json, print_json
from neonpay.cli.shop import (
    AllBotsOption,
    ApiOption,
    BotOption,
    DatabaseOption,
    JsonOption,
    TokenFileOption,
    UserOption,
    Where,
    errors_in_one_line,
    of_bot,
    read_ledger,
    run_in_shop,
    where,
    where_to_read,
)
from neonpay.cli.speaking import TOKEN_VARIABLE
from neonpay.cli.typed import LimitOption
from neonpay.errors import ConfigurationError, PaymentError

if TYPE_CHECKING:
    from neonpay.cli.reading.subscriptions import Subscription
    from neonpay.core.jsontext import JsonValue
    from neonpay.core.payments import Payment
    from neonpay.ledger import Transaction

subscriptions = typer.Typer(help="Who pays every month, and until when; and ending that.", no_args_is_help=True)

ChargeArgument = Annotated[
    str, typer.Argument(help="Charge id of any of its payments, or as much of its beginning as one payment alone has.")
]


@subscriptions.command("list")
def list_subscriptions(
    *,
    state: Annotated[Standing | None, typer.Option(help="Only subscriptions in this state.")] = None,
    user: UserOption = None,
    stage: Annotated[str | None, typer.Option(help="Only subscriptions to this stage id.")] = None,
    limit: LimitOption = 100,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
    all_bots: AllBotsOption = False,
) -> None:
    """List subscriptions, the one that was paid last first."""
    from neonpay.cli.reading.people import user_id_of
    from neonpay.cli.reading.stages import offered_stages
    from neonpay.cli.reading.subscriptions import read_subscriptions

    def find(transaction: Transaction, bots: list[int]) -> tuple[list[Subscription], Total, list[str], bool]:
        found, total = read_subscriptions(
            transaction, bots, standing=state, user_id=user_id_of(transaction, bots, user), stage_id=stage, limit=limit
        )
        return found, total, [] if found else offered_stages(transaction, bots), len(bots) > 1

    with errors_in_one_line():
        found, total, stages, has_several = read_ledger(where_to_read(database, bot_id, all_bots=all_bots), find)
    if json:
        print_json([_json(one) for one in found])
    elif found:
        _print(found, total, with_bot=has_several)
    else:
        typer.echo(f"No such subscriptions. Stages that were offered: {', '.join(stages) or 'none'}.")


@subscriptions.command()
def cancel(
    charge_id: ChargeArgument,
    *,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
    token_file: TokenFileOption = None,
    api_url: ApiOption = None,
) -> None:
    """Have a subscription end with its paid period; needs the bot's token. Nothing is refunded."""
    with errors_in_one_line():
        at = where(database, bot_id, token_file=token_file, api_url=api_url)
        at, named = _named(at, charge_id, {Standing.CANCELED, Standing.ENDED}, others=Standing.ACTIVE)
        first = run_in_shop(at, lambda shop: shop.subscriptions.cancel(named))
    _tell(first, json=json, words="ends with its paid period")


@subscriptions.command()
def allow(
    charge_id: ChargeArgument,
    *,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
    token_file: TokenFileOption = None,
    api_url: ApiOption = None,
) -> None:
    """Let the buyer take up again what was cancelled here; needs the bot's token."""
    with errors_in_one_line():
        at = where(database, bot_id, token_file=token_file, api_url=api_url)
        at, named = _named(at, charge_id, {Standing.ACTIVE}, others=Standing.CANCELED)
        first = run_in_shop(at, lambda shop: shop.subscriptions.allow(named))
    _tell(first, json=json, words="may be taken up again by its buyer")


def _named(at: Where, beginning: str, standings: Collection[Standing], *, others: Standing) -> tuple[Where, str]:
    """The bot and the charge of the subscription that is meant.

    Raises:
        PaymentError: there is none, or it is what it is to become already; the message has those that are not.
        ConfigurationError: the bot's token, without which nothing can be changed, is not there.
    """
    from neonpay.cli.reading.subscriptions import find_subscription, listed

    def find(transaction: Transaction, bots: list[int]) -> tuple[Where, str]:
        named = find_subscription(transaction, bots, beginning, others=others)
        found = named.subscription
        if found.standing in standings:
            what = f"the subscription of user {found.user_id} is {found.standing.value} already"
            msg = f"{what}, and nothing was changed; {listed(transaction, bots, others)}"
            raise PaymentError(msg, charge_id=named.charge_id)
        return of_bot(at, found.bot_id), named.charge_id

    meant = read_ledger(at, find)
    if at.token is None:
        msg = f"only Telegram can change a subscription, by the bot's token: set {TOKEN_VARIABLE} or give --token-file"
        raise ConfigurationError(msg)
    return meant


def _tell(first: Payment, *, json: bool, words: str) -> None:
    if json:
        print_json(payment_json(first))
    else:
        typer.echo(f"The subscription of user {first.user_id} to {first.stage_id} {words}.")


def _print(found: list[Subscription], total: Total, *, with_bot: bool) -> None:
    columns = [
        *([Column(title="bot")] if with_bot else []),
        Column(title="user"),
        Column(title="stage", least=5, gives=2),
        Column(title="Stars", is_number=True),
        Column(title="paid", is_number=True),
        Column(title="since", may_go=True),
        Column(title="paid until"),
        Column(title="state"),
        Column(title="charge id", least=id_chars([one.charge_id for one in found]) + 1, gives=1),
    ]
    rows = [
        [
            *([str(one.bot_id)] if with_bot else []),
            str(one.user_id),
            one.stage_id or "–",
            f"{one.price_stars:,}",
            f"{one.payments_count:,}×",
            f"{one.since:%Y-%m-%d}",
            "unknown" if one.paid_until is None else f"{one.paid_until:%Y-%m-%d}",
            one.standing.value,
            one.charge_id,
        ]
        for one in found
    ]
    print_table(columns, rows)
    typer.echo()
    typer.echo(of_total(len(found), total, "subscription"))


def _json(one: Subscription) -> dict[str, JsonValue]:
    return {
        "bot_id": one.bot_id,
        "user_id": one.user_id,
        "stage_id": one.stage_id,
        "charge_id": one.charge_id,
        "price_stars": one.price_stars,
        "payments_count": one.payments_count,
        "since": one.since.isoformat(),
        "paid_until": iso_or_none(one.paid_until),
        "state": one.standing.value,
    }

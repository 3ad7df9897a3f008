"""``neonpay requests``: buyers who want their Stars back, and what is decided about them."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated

import typer

from neonpay.cli.asking import agreed, who_decides
from neonpay.cli.columns import Column, id_chars, print_with_remarks
from neonpay.cli.counted import Total, counted, of_total
from neonpay.cli.exit_codes import FOUND
from neonpay.cli.sheets import iso_or_none, minute, print_facts, print_json
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
from neonpay.cli.typed import LimitOption
from neonpay.core.charge_ids import shortened
from neonpay.core.requests import RefundRequest, RequestState
from neonpay.errors import PaymentError, RefundError

if TYPE_CHECKING:
    from neonpay.cli.reading.requests import Asked
    from neonpay.core.jsontext import JsonValue
    from neonpay.ledger import Transaction

requests = typer.Typer(help="Buyers who want their Stars back: find them, and decide.", no_args_is_help=True)

RequestArgument = Annotated[
    str, typer.Argument(help="Id of the request, or charge id of its payment, or as much of it as one alone has.")
]


class Sent(enum.StrEnum):
    """The states of requests that were sent."""

    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"


@requests.command("list")
def list_requests(
    *,
    state: Annotated[Sent | None, typer.Option(help="Only requests in this state.")] = None,
    user: UserOption = None,
    limit: LimitOption = 100,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
    all_bots: AllBotsOption = False,
) -> None:
    """List requests for refunds, newest first."""
    from neonpay.cli.reading.people import user_id_of
    from neonpay.cli.reading.requests import read_requests

    wanted = None if state is None else RequestState(state.value)

    def find(transaction: Transaction, bots: list[int]) -> tuple[list[Asked], Total, bool]:
        found, total = read_requests(
            transaction, bots, state=wanted, user_id=user_id_of(transaction, bots, user), limit=limit
        )
        return found, total, len(bots) > 1

    with errors_in_one_line():
        found, total, has_several = read_ledger(where_to_read(database, bot_id, all_bots=all_bots), find)
    if json:
        print_json([_json(one) for one in found])
    elif found:
        _print(found, total, with_bot=has_several)
    else:
        typer.echo("No such requests.")


@requests.command()
def show(
    request_id: RequestArgument, *, json: JsonOption = False, database: DatabaseOption = None, bot_id: BotOption = None
) -> None:
    """Show a request: what for, why, and who has decided what."""
    with errors_in_one_line():
        asked = _find(where_to_read(database, bot_id), request_id)
    if json:
        print_json(_json(asked))
        return
    facts = {name: "" if value is None else str(value) for name, value in _json(asked).items()}
    print_facts({name: value for name, value in facts.items() if value})


@requests.command()
def approve(
    request_id: RequestArgument,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before.")] = False,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
    token_file: TokenFileOption = None,
    api_url: ApiOption = None,
) -> None:
    """Grant a request and give the Stars back. Without the bot's token, the running bot does it; the bot tells the buyer.

    Exit code 1 when Telegram refuses for good.
    """
    from neonpay.payments.refunds.request_store import Verdict

    with errors_in_one_line():
        at = where(database, bot_id, token_file=token_file, api_url=api_url)
        asked = _find_open(at, request_id)
        request = asked.request
        agreed(f"Give {counted(asked.amount_stars, 'Star')} back to user {request.user_id}?", yes=yes)
        verdict = Verdict(RequestState.APPROVED, who_decides(), leaves_refund=at.token is None)
        try:
            decided = run_in_shop(
                of_bot(at, request.bot_id),
                lambda shop: shop.program.pipeline.requests.decide(request.request_id, verdict),
            )
        except RefundError as error:
            typer.echo(f"neonpay: the request is approved, but {error}", err=True)
            raise typer.Exit(FOUND) from None
    how = "the bot gives" if at.token is None else "gave"
    _tell(
        asked, decided, json=json, words=f"{how} {counted(asked.amount_stars, 'Star')} back to user {request.user_id}"
    )


@requests.command()
def refuse(
    request_id: RequestArgument,
    *,
    answer: Annotated[str | None, typer.Option(help="What the buyer is told.")] = None,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
) -> None:
    """Refuse a request: the Stars stay, and the bot tells the buyer."""
    with errors_in_one_line():
        at = where(database, bot_id)
        asked = _find_open(at, request_id)
        request = asked.request
        who = who_decides()
        decided = run_in_shop(
            of_bot(at, request.bot_id), lambda shop: shop.refunds.refuse(request.request_id, by=who, answer=answer)
        )
    _tell(asked, decided, json=json, words="the bot tells the buyer")


def _tell(asked: Asked, decided: RefundRequest, *, json: bool, words: str) -> None:
    from neonpay.cli.reading.requests import Asked

    if json:
        print_json(_json(Asked(decided, asked.stage_id, asked.amount_stars)))
    else:
        typer.echo(f"{shortened(decided.request_id)} is {decided.state.value}; {words}.")


def _find(at: Where, beginning: str) -> Asked:
    from neonpay.cli.reading.requests import find_request

    return read_ledger(at, lambda transaction, bots: find_request(transaction, bots, beginning))


def _find_open(at: Where, beginning: str) -> Asked:
    """The request that is meant; raises PaymentError when it is decided already."""
    from neonpay.cli.reading.requests import open_ones

    asked = _find(at, beginning)
    request = asked.request
    if request.state is not RequestState.OPEN:
        when = f" at {minute(request.decided_at)} UTC" if request.decided_at else ""
        others = read_ledger(at, open_ones)
        msg = (
            f"{shortened(request.request_id)} is {request.state.value} already, by {request.decided_by}{when}, and nothing "
            f"was changed; open: {others}"
        )
        raise PaymentError(msg, charge_id=request.charge_id)
    return asked


def _print(found: list[Asked], total: Total, *, with_bot: bool) -> None:
    columns = [
        Column(title="asked (UTC)"),
        *([Column(title="bot")] if with_bot else []),
        Column(title="user"),
        Column(title="stage", least=5, gives=2),
        Column(title="Stars", is_number=True),
        Column(title="state"),
        Column(title="request", least=id_chars([one.request.request_id for one in found]) + 1, gives=1),
    ]
    rows = [
        [
            minute(one.request.requested_at),
            *([str(one.request.bot_id)] if with_bot else []),
            str(one.request.user_id),
            one.stage_id or "–",
            f"{one.amount_stars:,}",
            one.request.state.value,
            one.request.request_id,
        ]
        for one in found
    ]
    print_with_remarks(columns, rows, "words", [one.request.words or "" for one in found])
    typer.echo()
    typer.echo(of_total(len(found), total, "request"))


def _json(asked: Asked) -> dict[str, JsonValue]:
    request = asked.request
    return {
        "bot_id": request.bot_id,
        "request_id": request.request_id,
        "charge_id": request.charge_id,
        "user_id": request.user_id,
        "stage_id": asked.stage_id,
        "amount_stars": asked.amount_stars,
        "state": request.state.value,
        "words": request.words,
        "requested_at": request.requested_at.isoformat(),
        "decided_at": iso_or_none(request.decided_at),
        "decided_by": request.decided_by,
        "answer": request.answer,
    }

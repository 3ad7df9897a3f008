"""``neonpay notifications``: try a channel, send a message, and see what waits, has gone and is dead."""

from __future__ import annotations

import asyncio
import enum
from typing import TYPE_CHECKING, Annotated

import typer

from neonpay.cli.columns import Column, id_chars, print_with_remarks, say
from neonpay.cli.counted import Total, of_total
from neonpay.cli.endpoints import endpoints
from neonpay.cli.exit_codes import COULD_NOT
from neonpay.cli.notify_channels import ChannelOption, chosen_config, recipients_of, send_now
from neonpay.cli.sheets import iso_or_none, minute, print_facts, print_json
from neonpay.cli.shop import (
    AllBotsOption,
    ApiOption,
    BotOption,
    DatabaseOption,
    JsonOption,
    TokenFileOption,
    errors_in_one_line,
    read_ledger,
    where_to_read,
)
from neonpay.cli.typed import LimitOption
from neonpay.notifications.kinds import NotificationPriority, NotificationType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neonpay.core.jsontext import JsonObject, JsonValue
    from neonpay.ledger import Transaction
    from neonpay.notifications.declared import Declared
    from neonpay.notifications.log import LoggedAttempt, LoggedNote
    from neonpay.notifications.manager import Sent

notifications = typer.Typer(
    help="Tell owners and programs of what happens: try a channel, send, see what waits, and add endpoints.",
    no_args_is_help=True,
)
notifications.add_typer(endpoints, name="endpoints")

RecipientOption = Annotated[
    str | None,
    typer.Option(
        help="A chat id, an address, a number or a URL; when left out, whom the settings name, and in Telegram the owners."
    ),
]
BotTokenOption = Annotated[
    str | None,
    typer.Option(
        "--telegram-bot-token",
        help="Token of the bot that writes. Everybody on this machine can read it here: set NEONPAY_NOTIFY_TELEGRAM_BOT_TOKEN.",
        metavar="TOKEN",
    ),
]
ChatOption = Annotated[
    str | None, typer.Option("--telegram-chat-id", help="The same as --recipient for Telegram.", metavar="CHAT")
]


class StateTyped(enum.StrEnum):
    """The states of messages."""

    WAITING = "waiting"
    SENT = "sent"
    MERGED = "merged"
    DEAD = "dead"


@notifications.command("test")
def try_channel(
    *,
    channel: ChannelOption,
    recipient: RecipientOption = None,
    telegram_bot_token: BotTokenOption = None,
    telegram_chat_id: ChatOption = None,
    token_file: TokenFileOption = None,
    api_url: ApiOption = None,
    json: JsonOption = False,
) -> None:
    """Send one message by a channel, to see that it arrives."""
    with errors_in_one_line():
        config = chosen_config(channel, telegram_bot_token, token_file=token_file, api_url=api_url)
        recipients, are_owners = recipients_of(config, channel, telegram_chat_id or recipient)
        sent = asyncio.run(send_now(config, channel, recipients, "neonpay", f"This is a test of {channel.value}."))
    _tell_sent(sent, are_owners=are_owners, json=json)


@notifications.command()
def send(
    *,
    channel: ChannelOption,
    body: Annotated[str, typer.Option(help="What is to be said.")],
    subject: Annotated[str, typer.Option(help="Its first line, or the subject of a mail.")] = "",
    recipient: RecipientOption = None,
    priority: Annotated[NotificationPriority, typer.Option(help="How much it matters.")] = NotificationPriority.NORMAL,
    telegram_bot_token: BotTokenOption = None,
    telegram_chat_id: ChatOption = None,
    token_file: TokenFileOption = None,
    api_url: ApiOption = None,
    json: JsonOption = False,
) -> None:
    """Send a message now and once; what becomes of it is told here and not in the log."""
    with errors_in_one_line():
        config = chosen_config(channel, telegram_bot_token, token_file=token_file, api_url=api_url)
        recipients, are_owners = recipients_of(config, channel, telegram_chat_id or recipient)
        sent = asyncio.run(send_now(config, channel, recipients, subject, body, priority=priority))
    _tell_sent(sent, are_owners=are_owners, json=json)


@notifications.command()
def rules(*, json: JsonOption = False, database: DatabaseOption = None, bot_id: BotOption = None) -> None:
    """Show which event is told to whom, as the program of the shop that opened last has declared it."""
    from neonpay.cli.shop import only_bot
    from neonpay.notifications.declared import read_declared

    def find(transaction: Transaction, bots: list[int]) -> Declared | None:
        return read_declared(transaction, only_bot(transaction, bots))

    with errors_in_one_line():
        declared = read_ledger(where_to_read(database, bot_id), find)
    if json:
        print_json(
            None if declared is None else {"declared_at": declared.at.isoformat(), "rules": list(declared.rules)}
        )
    elif declared is None:
        say(
            "No program of this shop has declared rules, so which it has is not known here: they are in its code, where "
            "neonpay.use(Notifications(rules=[...])) or neonpay.enable_alerts() stands."
        )
    else:
        _print_rules(declared)


@notifications.command()
def log(
    note_id: Annotated[str | None, typer.Argument(help="Show this one with each attempt; a beginning will do.")] = None,
    *,
    channel: Annotated[NotificationType | None, typer.Option("--type", help="Only by this channel.")] = None,
    state: Annotated[StateTyped | None, typer.Option(help="Only messages in this state.")] = None,
    limit: LimitOption = 100,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
    all_bots: AllBotsOption = False,
) -> None:
    """List what waits, has gone and is dead, newest first. Of addresses that are secrets there is the host alone."""
    from neonpay.notifications.log import find_note, read_attempts, read_log

    def find(transaction: Transaction, bots: list[int]) -> tuple[list[LoggedNote], int]:
        return read_log(transaction, bots, channel=channel, state=None if state is None else state.value, limit=limit)

    def find_one(transaction: Transaction, bots: list[int]) -> tuple[LoggedNote, list[LoggedAttempt]]:
        note = find_note(transaction, bots, note_id or "")
        return note, read_attempts(transaction, note.bot_id, note.note_id)

    with errors_in_one_line():
        at = where_to_read(database, bot_id, all_bots=all_bots)
        if note_id is not None:
            _print_one(*read_ledger(at, find_one), json=json)
            return
        found, total = read_ledger(at, find)
    if json:
        print_json([_json(note) for note in found])
    elif found:
        _print(found, total)
    else:
        typer.echo("No such messages.")


def _tell_sent(sent: Sequence[Sent], *, are_owners: bool, json: bool) -> None:
    from neonpay.notifications.masking import shown_address

    told: list[JsonObject] = []
    for one in sent:
        recipient = shown_address(one.recipient)
        if one.error is not None:
            typer.echo(f"neonpay: {f'to {recipient}: ' if are_owners else ''}{' '.join(one.error.split())}", err=True)
        elif not json:
            typer.echo(f"Sent by {one.channel.value} to {recipient}.")
        told.append({"note_id": one.note_id, "channel": one.channel.value, "recipient": recipient, "state": one.state})
    if json and (are_owners or sent[0]):
        print_json(list(told) if are_owners else told[0])
    if not all(sent):
        raise typer.Exit(COULD_NOT)


def _print_rules(declared: Declared) -> None:
    columns = [
        Column(title="rule", least=10, gives=2),
        Column(title="channel"),
        Column(title="to", least=12, gives=1),
        Column(title="priority"),
        Column(title="events", least=20, gives=0),
    ]
    rows, remarks = [], []
    for rule in declared.rules:
        rows.append(
            [
                str(rule["name"]),
                str(rule["channel"]),
                _joined(rule["recipients"]) or "nobody",
                str(rule["priority"]),
                _joined(rule["events"]),
            ]
        )
        remarks.append(
            "; ".join(
                word
                for word in (
                    f"template {rule['template']}" if rule["template"] else "",
                    "only some of them, as the program decides" if rule["has_condition"] else "",
                    f"gathered for {rule['gather_s']:g} s" if rule["gather_s"] else "",
                )
                if word
            )
        )
    if rows:
        print_with_remarks(columns, rows, "also", remarks)
    else:
        typer.echo("No rules.")
    typer.echo(f"\ndeclared {minute(declared.at)} UTC")


def _joined(value: JsonValue) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else ""


def _print(found: Sequence[LoggedNote], total: int) -> None:
    ids = [note.note_id for note in found]
    columns = [
        Column(title="made (UTC)"),
        Column(title="channel"),
        Column(title="to", least=12, gives=2),
        Column(title="about", least=12, gives=3),
        Column(title="state"),
        Column(title="tried", is_number=True, may_go=True),
        Column(title="id", least=id_chars(ids) + 1, gives=1),
    ]
    rows = [
        [
            minute(note.made_at),
            note.channel.value,
            note.recipient,
            note.kind,
            note.state,
            str(note.attempts),
            note.note_id,
        ]
        for note in found
    ]
    print_with_remarks(columns, rows, "error", ["" if note.state == "sent" else note.error or "" for note in found])
    typer.echo()
    typer.echo(of_total(len(found), Total(total), "message"))


_UNHEARD = "not heard: under way, or the program ended before, and it may have arrived"


def _print_one(note: LoggedNote, attempts: Sequence[LoggedAttempt], *, json: bool) -> None:
    from neonpay.notifications.log import unheard

    cut_off = unheard(note, attempts)
    if json:
        tries = {one.attempt: _try(one.attempt, one.at.isoformat(), one.took_s, one.error) for one in attempts}
        tries |= {attempt: _try(attempt, None, None, _UNHEARD) for attempt in cut_off}
        print_json({**_json(note), "tries": [tries[attempt] for attempt in sorted(tries)]})
        return
    print_facts({name: str(value) for name, value in _json(note).items() if value not in {None, ""}})
    if attempts or cut_off:
        typer.echo()
        columns = [
            Column(title="attempt", is_number=True),
            Column(title="at (UTC)"),
            Column(title="took", is_number=True),
        ]
        told = {
            one.attempt: ([f"{one.at:%Y-%m-%d %H:%M:%S}", f"{one.took_s:.2f} s"], one.error or "taken")
            for one in attempts
        } | dict.fromkeys(cut_off, (["", ""], _UNHEARD))
        rows = [[str(attempt), *told[attempt][0]] for attempt in sorted(told)]
        print_with_remarks(columns, rows, "answer", [told[attempt][1] for attempt in sorted(told)], whole=True)


def _try(attempt: int, at: str | None, took_s: float | None, error: str | None) -> JsonValue:
    return {"attempt": attempt, "at": at, "took_s": took_s, "error": error}


def _json(note: LoggedNote) -> dict[str, JsonValue]:
    return {
        "bot_id": note.bot_id,
        "note_id": note.note_id,
        "channel": note.channel.value,
        "recipient": note.recipient,
        "about": note.kind,
        "event_id": note.event_id,
        "subject": note.subject,
        "state": note.state,
        "attempts": note.attempts,
        "made_at": note.made_at.isoformat(),
        "due_at": note.due_at.isoformat() if note.state == StateTyped.WAITING else None,
        "ended_at": iso_or_none(note.ended_at),
        "sent_as": note.sent_as,
        "error": note.error,
    }

"""``neonpay notifications``: what it shows on a terminal, and what it changes.

``NEONPAY_WRITE_SCREENS=1`` writes the screens anew; look at them before you commit them.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from neonpay.cli.columns import cells
from neonpay.cli.main import app
from neonpay.core.clock import SystemClock, moment
from neonpay.ledger import open_ledger
from neonpay.notifications import Notifications, NotificationType, Rule, queue
from neonpay.notifications.declared import Ways, declare, rules_as_json
from neonpay.notifications.endpoints import EndpointBook
from neonpay.notifications.note import Note, note_id
from neonpay.notifications.queue import Queued
from neonpay.store.signing_keys import load_keys
from tests.integration.cli.terminal import screen
from tests.integration.conftest import MovableClock
from tests.integration.notifications.conftest import as_time_passes

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.ledger import Transaction
    from neonpay.simulator import Simulator
    from tests.integration.conftest import Shop
    from tests.integration.notifications.conftest import Receiver

SCREENS = Path(__file__).parent / "screens"
BOT = 7_000_001
NOW_US = MovableClock().now_us()
SECRET_URL = "https://hooks.slack.com/services/T0SECRET"  # an address
COMMANDS = {
    "log": ("log",),
    "log_dead": ("log", "--state", "dead"),
    "note": ("log", note_id("dead")),
    "rules": ("rules",),
    "endpoints": ("endpoints", "list"),
}


def note(name: str, channel: NotificationType, recipient: str, kind: str, minutes: int) -> Queued:
    at_us = NOW_US + minutes * 60_000_000
    made = Note(
        note_id=note_id(name),
        channel=channel,
        recipient=recipient,
        subject="A payment waits for your decision",
        body="-",
        kind=kind,
        at=moment(at_us),
    )
    return Queued(note=made, due_at_us=at_us)


def told(transaction: Transaction, endpoint_id: str) -> None:
    """Messages in every state, by several channels."""
    dead = note("dead", NotificationType.SLACK, SECRET_URL, "payment_needs_attention", 1)
    sent = note("sent", NotificationType.TELEGRAM, "123456789", "payment_completed", 2)
    hooked = note("hooked", NotificationType.WEBHOOK, endpoint_id, "payment_delivered", 3)
    waits = note("waits", NotificationType.EMAIL, "owner@example.com", "balance_drifted", 4)
    queue.put(transaction, BOT, [dead, sent, hooked, waits])
    for one, error in ((dead, "slack: answered 404: no_service"), (sent, None), (hooked, None)):
        queue.claim(transaction, BOT, [one], NOW_US)
        queue.note_attempt(transaction, BOT, [one], at_us=one.due_at_us, took_us=40_000, error=error)
        state = queue.DEAD if error else queue.SENT
        queue.end(transaction, BOT, [one], state=state, at_us=one.due_at_us, error=error)
    rules = [
        (Rule(name="sold", events=frozenset({"payment_completed"}), gather_s=300), ["123456789"]),
        (
            Rule(
                name="trouble",
                events=frozenset({"payment_needs_attention", "refund_failed"}),
                channel=NotificationType.SLACK,
                template="system_error",
                when=lambda _: True,
            ),
            [SECRET_URL],
        ),
    ]
    ways = Ways(telegram="own", language="en", quiet="", rules=rules_as_json(rules))
    declare(transaction, BOT, ways, NOW_US)


@pytest.fixture
async def ledger_url(database_url: str) -> str:
    ledger = open_ledger(database_url)
    await ledger.run(load_keys, BOT, 1, os.urandom)
    book = EndpointBook(ledger, BOT)
    made = []
    for number, events in enumerate((("payment_delivered",), ())):
        url, now_us = f"https://example.com/hook/s3cret{number}", NOW_US + number
        made.append(await book.add(url, events=events, token_bytes=os.urandom, now_us=now_us))
    await ledger.run(told, made[0].endpoint_id)
    await ledger.close()
    return database_url


async def test_a_terminal_shows_what_fits_and_no_secret(ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, words in COMMANDS.items():
        shown = await screen(monkeypatch, "notifications", *words, columns=80, NEONPAY_DATABASE_URL=ledger_url)
        assert max(cells(line) for line in shown.splitlines()) <= 80
        assert not re.search("T0SECRET|s3cret|whsec_", shown)
        shown = re.sub(r"ep_[0-9a-f]+", lambda found: "ep_019abcdef".ljust(len(found[0]), "x")[: len(found[0])], shown)
        file = SCREENS / f"{name}.80.txt"
        if os.environ.get("NEONPAY_WRITE_SCREENS"):
            file.write_text(shown, encoding="utf-8")
        assert shown == file.read_text(encoding="utf-8")


async def run(database_url: str, *arguments: str, typed: str | None = None) -> Any:
    env = {"NEONPAY_DATABASE_URL": database_url, "NEONPAY_BOT_TOKEN": None, "NEONPAY_BOT_ID": None, "COLUMNS": "200"}
    return await asyncio.to_thread(CliRunner().invoke, app, ["notifications", *arguments], env=env, input=typed)


async def test_endpoints_are_made_changed_told_again_and_removed(
    open_shop: Callable[..., Shop], receiver: Receiver, database_url: str, clock: MovableClock
) -> None:
    shop = open_shop()
    shop.neonpay.use(Notifications())
    async with shop.polling():
        await shop.neonpay.send_payment((await shop.visitor("Ann")).id, "vip")
        event = await shop.fact("invoice_created")
        made = await run(
            database_url, "endpoints", "add", f"{receiver.url}/hook", "--events", "invoice_created", "--json"
        )
        endpoint = json.loads(made.stdout)
        assert (endpoint["events"], endpoint["secret"][:6]) == (["invoice_created"], "whsec_")
        changed = json.loads(
            (await run(database_url, "endpoints", "rotate", endpoint["endpoint_id"][:20], "--json")).stdout
        )
        assert changed["secret"] not in {endpoint["secret"], ""}
        told = await run(database_url, "endpoints", "rotate", endpoint["endpoint_id"], "--keep-hours", "2")
        assert re.search(r"The secret of before signs beside it until \d{4}-\d\d-\d\d \d\d:\d\d UTC\.", told.stdout)
        again = await run(database_url, "endpoints", "resend", event.event_id, endpoint["endpoint_id"])
        assert again.exit_code == 0, again.output
        # Past the time of the command, whose clock is the machine's; and not by years, or the note is old and cleared away.
        clock.advance(max(0, SystemClock().now_us() - clock.now_us()) / 1_000_000 + 60)
        (post,) = await as_time_passes(clock, receiver.has(1))
        assert json.loads(post.body)["data"]["event_id"] == event.event_id
        (logged,) = json.loads((await run(database_url, "log", "--json")).stdout)
        assert logged["event_id"] == event.event_id
        assert f"event_id   {event.event_id}\n" in (await run(database_url, "log", logged["note_id"])).stdout
    nobody = await run(database_url, "endpoints", "remove", "ep_nope", "--yes")
    assert (nobody.exit_code, endpoint["endpoint_id"] in nobody.stderr) == (3, True)
    gone = await run(database_url, "endpoints", "remove", endpoint["endpoint_id"], typed="y\n")
    assert gone.stdout == f"{endpoint['endpoint_id']} is told no more.\n"
    assert json.loads((await run(database_url, "endpoints", "list", "--json")).stdout) == []


async def test_what_is_missing_is_told_with_what_to_type(shop: Shop, database_url: str) -> None:
    await shop.neonpay.setup()
    early = await run(database_url, "endpoints", "add", "https://example.com/hook")
    assert (early.exit_code, "write neonpay.use(Notifications())" in early.stdout) == (0, True)
    assert "No program of this shop has declared rules" in (await run(database_url, "rules")).stdout
    for arguments, words in (
        (("test", "--type", "slack"), "set NEONPAY_NOTIFY_SLACK_WEBHOOK_URL"),
        (("test", "--type", "email"), "NEONPAY_NOTIFY_SMTP_USERNAME or NEONPAY_NOTIFY_SMTP_FROM"),
        (("test", "--type", "telegram", "--telegram-bot-token", "1:" + "A" * 35), "or set NEONPAY_ADMINS=123456789"),
        (("send", "--type", "webhook", "--body", "Tea"), "give --recipient, or set NEONPAY_NOTIFY_WEBHOOK_URL"),
        (("log", "ntf_nope"), "neonpay notifications log"),
        (("endpoints", "add", "nowhere"), "https://example.com/hook"),
        (("endpoints", "add", "https://example.com", "--events", "sold"), "payment_completed"),
        (("endpoints", "resend", "1" * 32, "ep_1"), "the id of one of this bot's: ep_"),
    ):
        done = await run(database_url, *arguments)
        assert (done.exit_code, words in done.stderr) == (3, True), done.output


async def test_what_is_sent_in_telegram_to_nobody_by_name_goes_to_every_owner(telegram: Simulator) -> None:
    account = telegram.bot("shop_bot")
    olga, oleg, guest = (telegram.user(name) for name in ("Olga", "Oleg", "Guest"))
    for person in (olga, guest):
        await person.says("/start", to=account)
    env = {
        "NEONPAY_API_URL": telegram.base_url,
        "NEONPAY_BOT_TOKEN": account.token,
        "NEONPAY_ADMINS": f"{olga.id},{oleg.id}",
    }

    async def typed(*words: str, **more: str) -> Any:
        arguments = ["notifications", *words, "--type", "telegram"]
        return await asyncio.to_thread(CliRunner().invoke, app, arguments, env={**env, **more})

    done = await typed("test")
    assert done.stdout == f"Sent by telegram to {olga.id}.\n"
    assert f"neonpay: to {oleg.id}: " in done.stderr
    assert done.exit_code == 3, "one of them is not told"
    assert (await olga.hears(account)).text == "neonpay\n\nThis is a test of telegram."
    both = json.loads((await typed("send", "--body", "Tea", "--json")).stdout)
    assert [(one["recipient"], one["state"]) for one in both] == [(str(olga.id), "sent"), (str(oleg.id), "failed")]
    await olga.hears(account, containing="Tea")
    alone = await typed(
        "test", NEONPAY_ALERTS_ADMINS=str(olga.id)
    )  # those of alerts alone, as alerts themselves have it
    assert (alone.exit_code, alone.stdout) == (0, f"Sent by telegram to {olga.id}.\n")
    chosen = await typed("test", NEONPAY_NOTIFY_TELEGRAM_ADMIN_CHAT_ID=str(guest.id))
    assert (chosen.exit_code, chosen.stdout) == (0, f"Sent by telegram to {guest.id}.\n")


@pytest.mark.parametrize(
    ("words", "there_are"),
    [
        (
            ("notifications", "test", "--type", "pigeon"),
            "'pigeon' is not one of 'email', 'telegram', 'sms', 'webhook', ",
        ),
        (("notifications", "log", "--state", "lost"), "'lost' is not one of 'waiting', 'sent', 'merged', 'dead'."),
        (("report", "--period", "eternity"), "'eternity' is not one of "),
    ],
)
def test_what_is_none_of_a_few_is_told_with_all_that_there_are(words: tuple[str, ...], there_are: str) -> None:
    done = CliRunner().invoke(app, words, env={"COLUMNS": "200", "TERM": "dumb"})
    assert (done.exit_code, there_are in done.stderr) == (2, True), done.stderr
    assert "Value error" not in done.stderr

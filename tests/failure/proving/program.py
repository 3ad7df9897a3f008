"""Shops in processes of their own, to be killed: a program that forks one for each line that it reads.

It has imported everything, so that a shop is up in the time of a fork. A line is a :class:`Life`. The program prints
``started <pid>`` and, when a shop is gone, ``ended <pid> <wait status>``. When nobody writes to it any more it ends, and
its shops with it.
"""

from __future__ import annotations

import asyncio
import json
import os
import selectors
import signal
import sys
import traceback
from typing import Any

import sqlalchemy as sa
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import Command, CommandObject
from aiogram.methods.base import Response
from aiogram.types import Message, Update, User
from aiogram.utils.backoff import BackoffConfig
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web

import neonpay.adapters.aiogram
import neonpay.ledger.postgresql  # noqa: F401 - loaded once here, not once per shop
from neonpay import NeonPayCore, PaymentContext, PaymentResult, PaymentStage, create_neonpay
from neonpay.notifications import Notifications, NotificationType, Rule
from tests.failure.proving.fate import AroundCalls, AroundUpdates, Fate, MovingClock, around_statements
from tests.failure.proving.life import Life
from tests.failure.proving.oddity import be_odd
from tests.failure.proving.remains import SEATS

PRICE_STARS = 5
EFFECTS = sa.Table("shop_effects", sa.MetaData(), sa.Column("what", sa.Text), sa.Column("charge_id", sa.Text))
"""What the shop does in its database for a payment. Nothing in it is unique, so that doing it twice shows."""
SESSION = AiohttpSession()
"""Made before the first fork, because reading the certificates of TLS takes longer than all else that a shop does to start."""
_IMPATIENT = BackoffConfig(min_delay=0.05, max_delay=0.5, factor=1.5, jitter=0.1)
_OUT, _ERR = 1, 2

_JUMPS = {signal.SIGUSR1, signal.SIGUSR2}


async def run(life: Life) -> None:
    fate = Fate(life)
    SESSION.api = TelegramAPIServer.from_base(life.base_url)
    bot = Bot(life.token, session=SESSION)
    bot.session.middleware(AroundCalls(fate))
    dispatcher = Dispatcher()
    clock = MovingClock(fate, life.ahead_s) if life.moves_clock else None
    if clock is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, clock.jump, 1)
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, clock.jump, -1)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _JUMPS)
    neonpay = create_neonpay(
        bot,
        dispatcher=dispatcher,
        database_url=life.database_url,
        thank_you_message="Thank you!" if life.thanks else None,
        clock=clock,
        lease_s=life.lease_s,
        poll_s=life.poll_s,
        reconcile_every_s=life.reconcile_every_s,
        messages_per_s=None,
    )
    AroundUpdates(
        fate,
        neonpay.program.drain if life.waits_for_delivery or life.crash_at == "payment delivered" else None,
        waits_for_confirmation=life.crash_at == "payment confirmed",
    ).stand(dispatcher)
    around_statements(fate)
    _sell(neonpay, bot, dispatcher, life, fate)
    _tell(neonpay, life)
    if life.socket_path is None:
        # With handle_as_tasks=True, aiogram tells Telegram that it has an update before anybody has looked at it.
        await dispatcher.start_polling(bot, handle_as_tasks=life.level == "B", backoff_config=_IMPATIENT)
    else:
        await _serve(dispatcher, bot, life.socket_path, in_background=life.level == "B")


def _sell(neonpay: NeonPayCore, bot: Bot, dispatcher: Dispatcher, life: Life, fate: Fate) -> None:
    vip = PaymentStage(title="VIP", description="A month of VIP", price=PRICE_STARS, repeat=life.repeat)
    neonpay.create_payment_stage("vip", vip)
    few = PaymentStage(title="Few", description="One of three", price=PRICE_STARS, max_payments=SEATS)
    neonpay.create_payment_stage("few", few)
    if "odd" in life.handlers:
        # One more than two kills, or a kill on a crowded machine, take from one job: an attempt counts from its lease on.
        neonpay.on_payment(name="odd", max_attempts=3)(be_odd)
    calls = os.open(life.calls_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600) if life.calls_path else None

    def credit(result: PaymentResult, connection: sa.Connection) -> None:
        connection.execute(sa.insert(EFFECTS).values(what="credited", charge_id=result.transaction_id))
        fate.reach("inside the recording transaction")

    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        async def tell(word: str) -> None:
            if calls is None:
                await bot.send_message(result.user_id, f"{word} {result.transaction_id}")
            else:
                os.write(calls, f"{word} {result.transaction_id}\n".encode())
            fate.reach(f"{word}, not remembered")

        fate.reach("before the handler")
        await ctx.step("reserve", tell, "reserved")
        fate.reach("between steps")
        await ctx.step("ship", tell, "shipped")
        ctx.enlist(sa.insert(EFFECTS), {"what": "delivered", "charge_id": result.transaction_id})
        fate.reach("before the done marker")

    def audit(result: PaymentResult, connection: sa.Connection) -> None:
        connection.execute(sa.insert(EFFECTS).values(what="audited", charge_id=result.transaction_id))

    def revoke(result: PaymentResult, connection: sa.Connection) -> None:
        connection.execute(sa.insert(EFFECTS).values(what="revoked", charge_id=result.transaction_id))

    for handler in (credit, deliver, audit):
        if handler.__name__ in life.handlers:
            neonpay.on_payment(name=handler.__name__)(handler)
    if "revoke" in life.handlers:
        neonpay.on_refund(name="revoke")(revoke)

    @dispatcher.message(Command("few"))
    async def offer_few(message: Message) -> None:
        invoice = await neonpay.create_payment_link("few")
        await message.answer(invoice.link or "")

    @dispatcher.message(Command("buy"))
    async def buy(message: Message) -> None:
        await neonpay.send_payment(message.chat.id, "vip", idempotency_key=f"buy {message.message_id}")

    @dispatcher.message(Command("link"))
    async def link(message: Message) -> None:
        invoice = await neonpay.create_payment_link("vip")
        await message.answer(invoice.link or "")

    @dispatcher.message(Command("books"))
    async def books(message: Message) -> None:
        report = await neonpay.books.reconcile(grace_s=0)
        await neonpay.program.drain()
        await neonpay.books.seal()
        proof = await neonpay.books.verify()
        found = {
            "recovered": report.recovered,
            "refunded": report.refunded,
            "is_clean": report.is_clean,
            "report": str(report),
            "findings": [str(finding) for finding in proof.findings[:5]],
            "seals": proof.seals,
            "proof_stars": proof.accounts.get("stars", (0, 0))[0],
        }
        await message.answer(json.dumps(found))

    @dispatcher.message(Command("refund"))
    async def refund(message: Message, command: CommandObject) -> None:
        await neonpay.refund(command.args or "")
        await message.answer("refunded")


def _tell(neonpay: NeonPayCore, life: Life) -> None:
    if life.told_url is not None:
        sold = frozenset({"payment_completed"})
        to = NotificationType.WEBHOOK
        neonpay.use(Notifications(rules=[Rule(name="sold", events=sold, channel=to, recipients=(life.told_url,))]))
    if life.owners:
        neonpay.enable_alerts(admins=life.owners, sales=True)


async def _serve(dispatcher: Dispatcher, bot: Bot, socket_path: str, *, in_background: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    app = web.Application()
    SimpleRequestHandler(dispatcher, bot, handle_in_background=in_background).register(app, path="/hook")
    setup_application(app, dispatcher, bot=bot)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    await web.UnixSite(runner, socket_path).start()
    await stop.wait()
    await runner.cleanup()


def _live(line: str) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(_ERR, _OUT)  # what it prints is no word of the nursery's
    asyncio.run(run(Life.from_line(line)))


class Nursery:
    """Reads settings, forks shops, and tells of their starts and ends."""

    def __init__(self) -> None:
        self._alive: set[int] = set()
        self._unread = b""

    def run(self) -> None:
        told, tell = os.pipe()
        os.set_blocking(told, False)
        os.set_blocking(tell, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        # A shop that is told to jump before it can is not to die of it: the signal waits until there is a handler.
        signal.pthread_sigmask(signal.SIG_BLOCK, _JUMPS)
        signal.set_wakeup_fd(tell)
        with selectors.DefaultSelector() as selector:
            selector.register(0, selectors.EVENT_READ)
            selector.register(told, selectors.EVENT_READ)
            while True:
                ready = {key.fd for key, _ in selector.select()}
                if told in ready:
                    os.read(told, 4096)
                    self._reap()
                if 0 in ready and not self._read():
                    break
        for pid in self._alive:
            os.kill(pid, signal.SIGKILL)

    def _read(self) -> bool:
        """Start a shop for every whole line; False at the end."""
        read = os.read(0, 65536)
        *lines, self._unread = (self._unread + read).split(b"\n")
        for line in lines:
            pid = os.fork()
            if pid == 0:
                status = 1
                try:
                    _live(line.decode())
                    status = 0
                except BaseException:  # noqa: BLE001  # whatever has ended it is told, since nobody sees a process that has left
                    traceback.print_exc()
                finally:
                    os._exit(status)
            self._alive.add(pid)
            _say(f"started {pid}")
        return bool(read)

    def _reap(self) -> None:
        while self._alive:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._alive.discard(pid)
            _say(f"ended {pid} {status}")


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    for answer in (User, Message, list[Update], bool, Any):
        Response[answer]  # aiogram builds these models when it first needs them
    Nursery().run()

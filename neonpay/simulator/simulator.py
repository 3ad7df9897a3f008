"""``async with Simulator() as telegram``: a local Telegram that bots sign in to and that a test plays people in."""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING, Self, TypeVar

from aiohttp import web

from neonpay.errors import SimulatorError
from neonpay.simulator.bell import PATIENCE_S
from neonpay.simulator.clock import SteppedClock, in_seconds
from neonpay.simulator.control.routes import add_control
from neonpay.simulator.feeding import feeding
from neonpay.simulator.http.api import BotApi
from neonpay.simulator.http.doorway import Doorway
from neonpay.simulator.http.guard import guard
from neonpay.simulator.http.server import add_bot_api
from neonpay.simulator.page import add_page
from neonpay.simulator.people.buyers import Buyer
from neonpay.simulator.people.founding import Places
from neonpay.simulator.people.portraits import give_picture
from neonpay.simulator.people.treasury import Treasury
from neonpay.simulator.updates.queue import later_update_id
from neonpay.simulator.updates.webhook import WebhookSettings
from neonpay.simulator.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from types import TracebackType

    from aiogram import Bot, types
    from aiogram.client.default import DefaultBotProperties

    from neonpay.simulator.chats.accounts import BotAccount
    from neonpay.simulator.clients.ptb import AnyBuilder
    from neonpay.simulator.clock import Timer
    from neonpay.simulator.faults import Faults
    from neonpay.simulator.feeding import Feed
    from neonpay.simulator.journal import Call
    from neonpay.simulator.money.subscriptions import Subscription
    from neonpay.simulator.money.till import Payment, Transaction
    from neonpay.simulator.mtproto.front import Front
    from neonpay.simulator.updates.queue import QueuedUpdate

SeenT = TypeVar("SeenT")
ClientT = TypeVar("ClientT")

_SHUTDOWN_S = 0.5
"""Real seconds given to open requests when the simulator stops."""


class Simulator(Places):
    """A Telegram of one's own on 127.0.0.1.

    Args:
        seed: every id follows from it, so that a run can be repeated; tokens that nobody gives are other ones each time. When
            left out it is 0 where time stands still. With a clock that runs it is another one each time, and ids of updates
            begin after those of earlier runs: a bot that goes on, and a ledger that stays, take no sale for one of before.
        host: address to listen on.
        port: 0 picks a free one.
        clock: virtual time; a :class:`SteppedClock` when left out, which moves only by :meth:`advance`.
        control_from_anywhere: whether all of it answers any machine, by any name; nothing but the network protects it then.
        test_environment: be Telegram's test environment: bots are at ``/bot<token>/test/METHOD`` only, and sell subscriptions
            of 60 and 300 seconds too.
        fetch_pictures: show the pictures of invoices on the page. Their addresses, which may be anywhere, are asked for them.

    Everything runs in the event loop that enters it.
    """

    def __init__(
        self,
        *,
        seed: int | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: SteppedClock | None = None,
        control_from_anywhere: bool = False,
        test_environment: bool = False,
        fetch_pictures: bool = False,
    ) -> None:
        self._host = host
        self._port = port
        self._control_from_anywhere = control_from_anywhere
        self._clock = SteppedClock() if clock is None else clock
        is_new = seed is None and self._clock.can_run
        chosen = (secrets.randbits(64) if is_new else 0) if seed is None else seed
        self._world = World(
            self._clock,
            Random(chosen),  # noqa: S311 - repeatable on purpose; opens nothing real
            test_environment=test_environment,
            fetch_pictures=fetch_pictures,
            first_update_id=later_update_id(self._clock.now()) if is_new else None,
        )
        self._api = BotApi(self._world)
        self._doorway = Doorway(self._api, self._world)
        self._front: Front | None = None
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port is taken.
            SimulatorError: it listens already.
        """
        if self._runner is not None:
            raise SimulatorError("this simulator is running already")
        app = web.Application(middlewares=[guard(self._host, any_name=self._control_from_anywhere)])
        add_control(app, self._world, from_anywhere=self._control_from_anywhere)
        add_page(app, self._world, from_anywhere=self._control_from_anywhere)
        add_bot_api(app, self._doorway)
        runner = web.AppRunner(
            app,
            access_log=None,  # its lines would hold tokens
            handler_cancellation=True,  # a poll whose client is gone stops waiting
            shutdown_timeout=_SHUTDOWN_S,
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, self._host, self._port)
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._port = int(runner.addresses[0][1])
        self._runner = runner
        self._clock.start()

    async def stop(self) -> None:
        """Stop listening; open polls get an empty answer."""
        if self._runner is None:
            return
        runner, self._runner = self._runner, None
        self._clock.stop()
        await self._world.close()
        await runner.cleanup()

    @property
    def base_url(self) -> str:
        """What a bot library is pointed at, ``http://127.0.0.1:PORT``."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def faults(self) -> Faults:
        """What goes wrong on purpose."""
        return self._world.faults

    @property
    def clock(self) -> SteppedClock:
        """Virtual time."""
        return self._clock

    def bot(self, username: str, *, token: str | None = None, name: str | None = None) -> BotAccount:
        """The bot with this username, made when there is none.

        Args:
            username: ends in ``bot`` at Telegram; here it need not.
            token: what it signs in with; a new one when left out.
            name: what people see; the username when left out.

        Raises:
            SimulatorError: the username or the token cannot be one, or is another bot's; or it is there by another name.
        """
        return self._world.accounts.bot(username, token=token, name=name)

    def bots(self) -> list[BotAccount]:
        """Every bot."""
        return list(self._world.accounts.bots.values())

    def aiogram_bot(self, account: BotAccount | str, *, default: DefaultBotProperties | None = None) -> Bot:
        """A bot of aiogram, connected to this Telegram without a socket.

        Args:
            account: the bot or its username.
            default: what aiogram's ``Bot`` takes under this name.
        """
        from aiogram import Bot

        from neonpay.simulator.clients.aiogram import InProcessSession

        bot = self.bot(account) if isinstance(account, str) else account
        session = InProcessSession(self._doorway, test_environment=self._world.test_environment)
        return Bot(bot.token, session=session, default=default)

    def ptb_builder(self, account: BotAccount | str) -> AnyBuilder:
        """``ApplicationBuilder`` of python-telegram-bot for an application connected to this Telegram without a socket.

        Args:
            account: the bot or its username.
        """
        from neonpay.simulator.clients.ptb import builder_in_process

        bot = self.bot(account) if isinstance(account, str) else account
        return builder_in_process(bot.token, self._doorway, test_environment=self._world.test_environment)

    def adopt(self, client: ClientT) -> ClientT:
        """Have a client of the Pyrogram family or of Telethon connect to this Telegram from now on, and return it.

        The client signs in with its bot's token and runs as it is; only its session sends its requests here. It needs a
        session in memory or a new session file. See ``neonpay.simulator.mtproto``.

        Raises:
            SimulatorError: it is no such client, is connected already, or has a session of another Telegram.
        """
        if self._front is None:
            from neonpay.simulator.mtproto.front import Front

            self._front = Front(self._world, self._api)
        self._front.adopt(client)
        return client

    def user(
        self,
        first_name: str = "Ann",
        *,
        stars: int = 0,
        user_id: int | None = None,
        username: str | None = None,
        language_code: str = "en",
    ) -> Buyer:
        """A new person with this many Stars.

        Raises:
            SimulatorError: the balance is no whole number >= 0, or the id is taken.
        """
        account = self._world.accounts.user(
            first_name, stars=stars, user_id=user_id, username=username, language_code=language_code
        )
        return Buyer(self._world, account)

    def users(self) -> list[Buyer]:
        """Everybody."""
        return [Buyer(self._world, account) for account in self._world.accounts.users.values()]

    def calls(self, method: str | None = None, *, bot: BotAccount | None = None) -> list[Call]:
        """The journal: calls of ``method``, or all of them, oldest first."""
        return [
            call
            for call in self._world.journal
            if (method is None or call.method.lower() == method.lower()) and (bot is None or call.bot == bot.username)
        ]

    async def called(self, method: str, *, count: int = 1, timeout_s: float = PATIENCE_S) -> list[Call]:
        """Wait until ``method`` has been answered ``count`` times, with whatever answer, and return these calls.

        Raises:
            SimulatorTimeoutError: it was not, within ``timeout_s`` real seconds.
        """
        return await self.until(
            lambda: calls if len(calls := self.calls(method)) >= count else None,
            timeout_s=timeout_s,
            what=f"a call of {method}" if count == 1 else f"{count} calls of {method}",
        )

    async def until(
        self, look: Callable[[], SeenT | None], *, timeout_s: float = PATIENCE_S, what: str = "a condition"
    ) -> SeenT:
        """Return the first thing other than None or False that ``look`` sees; it is called whenever something changes here.

        Raises:
            SimulatorTimeoutError: it was not seen within ``timeout_s`` real seconds.
        """
        return await self._world.bell.wait_for(look, timeout_s=timeout_s, what=what)

    def updates(self, bot: BotAccount) -> list[QueuedUpdate]:
        """Every update ever made for ``bot``, oldest first, with what became of it."""
        queue = self._world.postbox(bot).queue
        queue.pending()
        return list(queue.history)

    async def redeliver(self, update_id: int, bot: BotAccount, *, new_id: bool = False) -> QueuedUpdate:
        """Queue the content of an earlier update again.

        With the same id it is handed out once more whatever offset the bot is at, as after a lost offset; with ``new_id`` it
        is a new update with the same content.

        Raises:
            SimulatorError: no such update was ever queued.
        """
        return self._world.postbox(bot).queue.repeat(update_id, new_id=new_id)

    async def idle(self, bot: BotAccount, *, timeout_s: float = PATIENCE_S) -> None:
        """Wait until the bot has confirmed every update: its library took them, which need not mean that it is done with them.

        Raises:
            SimulatorTimeoutError: some are left after ``timeout_s`` real seconds.
        """
        queue = self._world.postbox(bot).queue
        await self.until(lambda: not queue.pending(), timeout_s=timeout_s, what=f"{bot.username} to take its updates")

    def polling(self, bot: BotAccount) -> bool:
        """Whether a getUpdates call of the bot is open and waits for an update."""
        return self._world.postbox(bot).poller.waiting

    @asynccontextmanager
    async def feeding(self, bot: BotAccount, feed: Feed) -> AsyncIterator[None]:
        """Inside the block, hand the bot's updates to ``feed`` one after the other instead of having it poll.

        For aiogram: ``telegram.feeding(shop, lambda update: dispatcher.feed_raw_update(bot, update))``. What ``feed`` raises
        leaves the block, and the update stays where it was.
        """
        async with feeding(self._world.postbox(bot), feed):
            yield

    async def post_to(self, bot: BotAccount, url: str, *, secret_token: str = "") -> None:
        """Send the bot's updates to ``url`` from now on, as its own setWebhook would."""
        await self._world.set_webhook(bot, WebhookSettings(url, secret_token))

    async def advance(self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Let virtual time pass and everything happen that falls due.

        Raises:
            SimulatorError: together that is less than nothing; time has not moved.
        """
        await self._world.advance(in_seconds(seconds, minutes=minutes, hours=hours, days=days))

    async def step(self) -> Timer | None:
        """Let time pass until the next thing that falls due has happened, and return it; None when nothing waits."""
        return await self._world.step()

    def picture(self, of: BotAccount | Buyer | types.Message, picture: bytes | str | None) -> None:
        """Give a bot, a person or an invoice a picture: a file's bytes, the id of a photo that was sent, or None for none.

        That of an invoice is what the page shows in the place of what stands at its ``photo_url``.

        Raises:
            SimulatorError: it is no PNG, JPEG, GIF or WebP, no photo with this id was uploaded, or the message is no invoice.
        """
        give_picture(self._world, of, None if picture is None else self._world.pictures.given(picture))
        self._world.bell.ring()

    def freeze(self) -> None:
        """Have time stand still until it is moved, or runs again."""
        self._clock.freeze()

    def run(self) -> None:
        """Have time pass by itself again.

        Raises:
            SimulatorError: the clock is not a :class:`RunningClock`.
        """
        self._clock.run()

    def treasury(self, bot: BotAccount) -> Treasury:
        """What moves the bot's Stars beside its invoices."""
        return Treasury(self._world.till, self._clock, self._world.accounts, bot)

    def balance(self, bot: BotAccount) -> int:
        """The bot's whole Stars."""
        return bot.balance_stars

    def transactions(self, bot: BotAccount) -> list[Transaction]:
        """Every change of the bot's balance, oldest first."""
        return self._world.till.transactions(bot)

    def subscriptions(self, bot: BotAccount) -> list[Subscription]:
        """Every subscription to the bot, oldest first, ended ones too."""
        return self._world.subscriptions.to(bot)

    def payments(self, bot: BotAccount) -> list[Payment]:
        """Every taking of Stars for the bot, oldest first."""
        return self._world.till.payments(bot)

"""The simulator for tests without an event loop: it runs in a thread of its own, and every method waits until it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import wraps
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from neonpay.ledger.loop_thread import LoopThread
from neonpay.simulator import Simulator
from neonpay.simulator.bell import PATIENCE_S
from neonpay.testing.hosting import point_telebot, running

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import TracebackType

    from aiogram import types

    from neonpay.app import NeonPayCore
    from neonpay.simulator import BotAccount, Buyer, Call, Faults, InvoiceForm, Outcome, Payment, Pressed, QueuedUpdate
    from neonpay.simulator.clock import Timer

T = TypeVar("T")


class SyncSimulator:
    """A local Telegram whose methods block: for ``unittest``, for plain functions, for bots that run in threads.

    ::

        with SyncSimulator() as telegram:
            shop, ann = telegram.bot("shop_bot"), telegram.user("Ann", stars=500)
            with telegram.running(my_telebot):
                ann.says("/buy")
                outcome = ann.pays(ann.hears())

    Args:
        seed: every id follows from it.
        test_environment: be Telegram's test environment.
    """

    def __init__(self, *, seed: int = 0, test_environment: bool = False) -> None:
        self.simulator = Simulator(seed=seed, test_environment=test_environment)
        self._thread: LoopThread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen."""
        if self._thread is None:
            self._thread = LoopThread(name="neonpay-simulator")
        self.wait_for(self.simulator.start())

    def stop(self) -> None:
        """Stop listening and end the thread; safe to call again."""
        if self._thread is not None:
            thread, self._thread = self._thread, None
            thread.submit(self.simulator.stop()).result()
            thread.close()

    def wait_for(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What a coroutine gives or raises when it runs on the simulator's loop."""
        if self._thread is None:
            coroutine.close()
            raise RuntimeError("this simulator is not running: with SyncSimulator() as telegram: ...")
        return self._thread.submit(coroutine).result()

    def do(self, function: Callable[..., T], /, *args: object, **kwargs: object) -> T:
        """What a function gives or raises when it is called on the simulator's loop, which nothing else runs beside."""

        async def call() -> T:
            return function(*args, **kwargs)

        return self.wait_for(call())

    @property
    def base_url(self) -> str:
        """What a bot library is pointed at."""
        return self.simulator.base_url

    @property
    def faults(self) -> Faults:
        """What goes wrong on purpose."""
        return cast("Faults", _OnLoop(self, self.simulator.faults))

    def bot(self, username: str, *, token: str | None = None) -> BotAccount:
        """The bot with this username, made when there is none."""
        return self.do(self.simulator.bot, username, token=token)

    def bots(self) -> list[BotAccount]:
        """Every bot."""
        return self.do(self.simulator.bots)

    def user(self, first_name: str = "Ann", *, stars: int = 0, username: str | None = None) -> SyncBuyer:
        """A new person with this many Stars."""
        return SyncBuyer(self, self.do(self.simulator.user, first_name, stars=stars, username=username))

    def calls(self, method: str | None = None, *, bot: BotAccount | None = None) -> list[Call]:
        """The journal: calls of ``method``, or all of them, oldest first."""
        return self.do(self.simulator.calls, method, bot=bot)

    def called(self, method: str, *, count: int = 1, timeout_s: float = PATIENCE_S) -> list[Call]:
        """Wait until ``method`` has been answered ``count`` times, and return these calls."""
        return self.wait_for(self.simulator.called(method, count=count, timeout_s=timeout_s))

    def until(self, look: Callable[[], T | None], *, timeout_s: float = PATIENCE_S, what: str = "a condition") -> T:
        """Return the first thing other than None or False that ``look`` sees; it is called on the simulator's loop."""
        return self.wait_for(self.simulator.until(look, timeout_s=timeout_s, what=what))

    def idle(self, bot: BotAccount, *, timeout_s: float = PATIENCE_S) -> None:
        """Wait until the bot has confirmed every update."""
        self.wait_for(self.simulator.idle(bot, timeout_s=timeout_s))

    def updates(self, bot: BotAccount) -> list[QueuedUpdate]:
        """Every update ever made for ``bot``, oldest first."""
        return self.do(self.simulator.updates, bot)

    def payments(self, bot: BotAccount) -> list[Payment]:
        """Every taking of Stars for the bot, oldest first."""
        return self.do(self.simulator.payments, bot)

    def balance(self, bot: BotAccount) -> int:
        """The bot's whole Stars."""
        return self.do(self.simulator.balance, bot)

    def advance(self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Let virtual time pass and everything happen that falls due."""
        self.wait_for(self.simulator.advance(seconds, minutes=minutes, hours=hours, days=days))

    def step(self) -> Timer | None:
        """Let virtual time pass until the next thing that falls due has happened, and return it."""
        return self.wait_for(self.simulator.step())

    @contextmanager
    def running(self, bot: object, *, neonpay: NeonPayCore | None = None) -> Iterator[None]:
        """Inside the block, the bot polls; see :func:`neonpay.testing.hosting.running`.

        A bot of pyTelegramBotAPI calls this simulator inside the block.
        """
        program = running(bot, neonpay=neonpay)
        with point_telebot(self.base_url) if _is_telebot(bot) else nullcontext():
            self.wait_for(program.__aenter__())
            try:
                yield
            finally:
                self.wait_for(program.__aexit__(None, None, None))


class SyncBuyer:
    """A person with Stars whose methods block. Made by ``SyncSimulator.user``.

    What :class:`~neonpay.simulator.people.buyers.Buyer` has and is not written here, such as ``cancels_subscription``, is
    there too, with the same arguments, and blocks.
    """

    def __init__(self, telegram: SyncSimulator, buyer: Buyer) -> None:
        self._telegram = telegram
        self.buyer = buyer

    def __repr__(self) -> str:
        return repr(self.buyer)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return cast("Callable[..., Any]", getattr(_OnLoop(self._telegram, self.buyer), name))

    @property
    def id(self) -> int:
        """The user id, which is also the id of the private chat with this person."""
        return self.buyer.id

    @property
    def name(self) -> str:
        """The first name."""
        return self.buyer.name

    @property
    def stars(self) -> int:
        """The balance."""
        return self.buyer.stars

    def gets_stars(self, stars: int) -> None:
        """Top the balance up."""
        self._telegram.do(self.buyer.gets_stars, stars)

    def messages(self, bot: BotAccount | None = None) -> list[types.Message]:
        """Everything that is in the chat with a bot now, oldest first."""
        return self._telegram.do(self.buyer.messages, bot)

    def says(self, text: str, *, to: BotAccount | None = None) -> types.Message:
        """Write to a bot."""
        return self._telegram.wait_for(self.buyer.says(text, to=to))

    def hears(
        self,
        bot: BotAccount | None = None,
        *,
        timeout_s: float = PATIENCE_S,
        containing: str | None = None,
        predicate: Callable[[types.Message], bool] | None = None,
    ) -> types.Message:
        """Wait for the next message from a bot that has not been heard yet."""
        heard = self.buyer.hears(bot, timeout_s=timeout_s, containing=containing, predicate=predicate)
        return self._telegram.wait_for(heard)

    def presses(self, text: str, *, on: types.Message, wait: bool = True, timeout_s: float = PATIENCE_S) -> Pressed:
        """Press the button with this text under a message, and with ``wait`` wait for the bot's answer."""
        return self._telegram.wait_for(self.buyer.presses(text, on=on, wait=wait, timeout_s=timeout_s))

    def opens(self, what: str | types.Message) -> InvoiceForm:
        """Open an invoice, by link or message, and see its form."""
        return self._telegram.wait_for(self.buyer.opens(what))

    def pays(self, what: str | types.Message | InvoiceForm, *, timeout_s: float = PATIENCE_S) -> Outcome:
        """Pay an invoice, given as message, link or opened form, and see how it ends."""
        return self._telegram.wait_for(self.buyer.pays(what, timeout_s=timeout_s))


class _OnLoop:
    """Another object whose methods run on the simulator's loop."""

    def __init__(self, telegram: SyncSimulator, target: object) -> None:
        self._telegram = telegram
        self._target = target

    def __getattr__(self, name: str) -> object:
        member = getattr(self._target, name)
        if not callable(member):
            return member

        @wraps(member)
        def call(*args: object, **kwargs: object) -> object:
            async def run() -> object:
                done = member(*args, **kwargs)
                return await done if hasattr(done, "__await__") else done

            return self._telegram.wait_for(run())

        return call


def _is_telebot(bot: object) -> bool:
    return any(kind.__module__.partition(".")[0] == "telebot" for kind in type(bot).__mro__)

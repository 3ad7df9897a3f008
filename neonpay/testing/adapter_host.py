"""The bot that the conformance suite of adapters plays with: what a subclass has to give it."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar

from neonpay.app import NeonPayCore
from neonpay.errors import SaleRefused
from neonpay.simulator import BotAccount, Simulator

P = ParamSpec("P")
T = TypeVar("T")

_PATIENCE_S = 60.0
BUSY = "be busy"
"""A message that keeps the host's handler busy until the test lets it go."""
BUY = "buy"
"""A message that begins so has its sender offered the stage ``vip``: in the chat whose id follows, or in their own."""


class Noted(Generic[T]):
    """Things that handlers note, in whatever thread they run, and a test waits for."""

    def __init__(self) -> None:
        self.all: list[T] = []
        self._loop = asyncio.get_running_loop()
        self._more = asyncio.Event()

    def add(self, thing: T) -> None:
        """Note a thing."""
        self.all.append(thing)
        self._loop.call_soon_threadsafe(self._more.set)

    async def has(self, look: Callable[[T], bool] = lambda _: True, *, count: int = 1) -> list[T]:
        """Wait until so many things are noted that ``look`` agrees to, and return them.

        Raises:
            TimeoutError: they were not, after 60 seconds.
        """
        async with asyncio.timeout(_PATIENCE_S):
            while len(found := [thing for thing in self.all if look(thing)]) < count:
                self._more.clear()
                await self._more.wait()
        return found


class BotHost(ABC):
    """A bot of the library under test, written as its users write bots.

    It is made inside the test's event loop. It has handlers of its own that take whatever they can get, for checkouts and
    payments too, registered before neonpay joins, and each of them notes in ``heard`` what it got:

    * ``text:<text>`` for a message with text; when the text is ``BUSY``, it then keeps its handler until ``released`` is set;
      when it begins with ``BUY``, it then awaits ``offers`` (in a library without an event loop: calls ``offers_now``),
    * ``checkout:<payload>`` for a pre-checkout query, which it approves through the library,
    * ``paid:<payload>`` for a successful payment, ``refunded:<payload>`` for a refunded one, where the library tells of them,
    * ``bought:<payload>`` for paid media that somebody bought, unless ``tells_of_bought_media`` is False.

    A bare token has no handlers of its own in the library's sense; what is left over for the program counts as them.
    """

    neonpay: NeonPayCore
    """What ``join`` gave; set by the suite."""
    tells_of_bought_media: bool = True
    """Whether the library tells its users of ``purchased_paid_media``."""
    runs_without_neonpay: bool = True
    """Whether there is a bot before neonpay joins; a bare token is none."""

    def __init__(self) -> None:
        self.heard: Noted[str] = Noted()
        self.released = threading.Event()

    @abstractmethod
    def join(self, **options: Any) -> NeonPayCore:
        """What ``create_neonpay`` gives when it is called on the bot with these options.

        It is called once, before the bot starts or while it runs.
        """

    @abstractmethod
    def take_turns(self) -> None:
        """From its start on, the bot handles one update after another, as far as its library can; called before ``join``."""

    @abstractmethod
    async def start(self) -> None:
        """The bot receives updates as its library does, and has asked for the first ones when this returns."""

    @abstractmethod
    async def stop(self) -> None:
        """The bot is stopped as its library is stopped, ``neonpay`` is closed, and nothing of it runs any more.

        Does nothing for a bot that is stopped or was never started.
        """

    async def offers(self, user_id: int, text: str) -> None:
        """Offer the stage ``vip`` to a user where their message says, and note in ``heard`` what came of it."""
        try:
            invoice = await self.neonpay.send_payment(user_id, "vip", chat_id=_chat(user_id, text))
        except SaleRefused as refused:
            self.heard.add(f"refused:{refused.reason}")
        else:
            self.heard.add("queued" if invoice.is_queued else "sent")

    def offers_now(self, user_id: int, text: str) -> None:
        """``offers``, for a handler that cannot await."""
        try:
            invoice = self.neonpay.sync.send_payment(user_id, "vip", chat_id=_chat(user_id, text))
        except SaleRefused as refused:
            self.heard.add(f"refused:{refused.reason}")
        else:
            self.heard.add("queued" if invoice.is_queued else "sent")

    async def call(self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """What a coroutine method of ``neonpay`` gives, called where the library's users would call it."""
        return await function(*args, **kwargs)


def _chat(user_id: int, text: str) -> int:
    return int(text.removeprefix(BUY) or user_id)


HostFactory: TypeAlias = Callable[[Simulator, BotAccount], BotHost]
"""Makes a bot of an account in a simulated Telegram; it is not started, and neonpay has not joined it."""

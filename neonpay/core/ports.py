"""What the core asks of the outside: a bot library that carries updates and calls, and what it hands to one."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, TypeVar, runtime_checkable

from neonpay.core.clock import Clock
from neonpay.core.jsontext import JsonValue
from neonpay.core.payments import Charge, PreCheckout, RefundNotice
from neonpay.core.people import Sender
from neonpay.core.seen import SeenUpdate
from neonpay.core.subscriptions import SubscriptionChange

T = TypeVar("T")


class Level(enum.StrEnum):
    """What a library lets us promise about an update that carries money."""

    A = "A"
    """Recorded before Telegram is told that the update arrived."""
    B = "B"
    """Recorded right away; a crash in between loses the update, and Telegram's list of transactions still has the charge."""


class Route(enum.StrEnum):
    """How something reaches Telegram."""

    LIBRARY = "library"
    """Through the host's own bot object."""
    HTTP = "http"
    """Through a client of ours with the same token, because the library cannot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an adapter can do with its library.

    Attributes:
        level: what it promises about an update that carries money.
        checkouts: how a pre-checkout query is answered.
        calls: how the other methods of the Bot API are called.
        refund_updates: whether a refund that somebody else made is told at once; otherwise reconciliation finds it.
        missed_updates: whether what Telegram sent while the bot was off arrives when it is back; otherwise reconciliation
            finds the payments.
        subscription_updates: whether it is told that a subscription was cancelled, restored or not renewed; otherwise nobody
            tells of it. Renewals are payments and arrive in any case.
        converses: whether commands and pressed buttons can be handed over, as ``enable_support`` needs.
    """

    level: Level
    checkouts: Route = Route.LIBRARY
    calls: Route = Route.LIBRARY
    refund_updates: bool = True
    missed_updates: bool = True
    subscription_updates: bool = True
    converses: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command that somebody wrote to the bot in their private chat.

    Attributes:
        text: the whole message, with the command's slash; left out of ``repr``.
        language_code: their language as Telegram names it, where known.
        sender: their names, where they are told.
        message_thread_id: the topic of the chat in which they wrote it; None for none.
    """

    bot_id: int
    user_id: int
    chat_id: int
    text: str = field(repr=False)
    language_code: str | None = None
    sender: Sender | None = field(default=None, repr=False, compare=False)
    message_thread_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A button under a message of the bot was pressed.

    Attributes:
        data: what the button carries, at most 64 bytes.
        chat_id, message_id, message_thread_id, message_text: the message with the button, as far as Telegram tells.
        language_code: the language of who pressed, as Telegram names it, where known.
    """

    bot_id: int
    user_id: int
    query_id: str
    data: str
    chat_id: int | None = None
    message_id: int | None = None
    message_thread_id: int | None = None
    message_text: str | None = field(default=None, repr=False)
    language_code: str | None = None


class UpdateSink(Protocol):
    """Where an adapter hands the payment facts that it finds in updates."""

    def owns(self, bot_id: int, payload: str | None) -> bool:
        """Whether an update of this bot with this invoice payload is ours; the adapter consumes only those."""
        ...

    async def pre_checkout(self, query: PreCheckout) -> None:
        """Decide and answer; returns when Telegram has the answer or can no longer use one."""
        ...

    async def charged(self, charge: Charge) -> None:
        """Record a charge; returns when it is durable. Raises LedgerError when it is not."""
        ...

    async def refunded(self, notice: RefundNotice) -> None:
        """Record a refund that Telegram tells of; returns when it is durable."""
        ...

    async def subscription_changed(self, change: SubscriptionChange) -> None:
        """Record what Telegram tells of a subscription; returns when it is durable."""
        ...

    def wants_command(self, bot_id: int, text: str, user_id: int) -> bool:
        """Whether a message of this bot, by this user, is a command that we answer; the adapter consumes only those."""
        ...

    def wants_press(self, bot_id: int, data: str) -> bool:
        """Whether a button of this bot is ours; the adapter consumes only those."""
        ...

    async def command(self, command: Command) -> None:
        """Answer a command that was wanted."""
        ...

    async def press(self, press: Press) -> None:
        """Do what a button that was wanted says, and answer it."""
        ...

    def seen(self, update: SeenUpdate) -> None:
        """Somebody did something with the bot; the update stays the host's. From any thread; neither waits nor raises."""
        ...

    def host_is_up(self) -> None:
        """The host does something on the running event loop, and may never tell of a start; cheap, and harmless again."""
        ...

    async def open(self) -> None:
        """The host starts: open the ledger and take up work."""
        ...

    async def close(self) -> None:
        """The host stops: finish or release what runs, and close the ledger."""
        ...


class Adapter(Protocol):
    """One bot library, as the core sees it: payment facts in, Bot API calls out."""

    @property
    def library(self) -> str:
        """Name of the row in the adapter table, e.g. ``aiogram``."""
        ...

    @property
    def bot_id(self) -> int:
        """Telegram's id of the bot."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What this library can do, and what we promise with it."""
        ...

    def attach(self, sink: UpdateSink) -> None:
        """Tap the first point that all updates pass; a second call does nothing."""
        ...

    def host_data(self) -> Mapping[str, object]:
        """Objects of the host by name, which handlers may ask for: ``bot`` and the library's own."""
        ...

    async def call(self, method: str, params: Mapping[str, JsonValue]) -> JsonValue:
        """The result of a Bot API method, as plain JSON.

        Raises:
            TelegramError: Telegram refused; nothing was done.
            TelegramUnreachableError: no answer; it may have been done.
        """
        ...

    async def close(self) -> None:
        """Give back what the adapter opened itself; the host's bot stays as it is."""
        ...


@runtime_checkable
class Conversing(Protocol):
    """An adapter that can hand over commands and pressed buttons, too."""

    def converse(self) -> None:
        """From now on have Telegram deliver messages and pressed buttons, and hand over those that the sink wants."""
        ...


@runtime_checkable
class Seeing(Protocol):
    """An adapter that can tell of the host's updates, too, and leaves them to the host."""

    def see(self, clock: Clock) -> None:
        """From now on have Telegram deliver messages and pressed buttons, and tell the sink once of each update of a person."""
        ...


@runtime_checkable
class Named(Protocol):
    """An adapter that can say what its bot is called, too."""

    @property
    def bot_username(self) -> str | None:
        """The bot's username without its @, when the library has heard it from Telegram already."""
        ...


@runtime_checkable
class Breaking(Protocol):
    """An adapter that does not make calls for a while which had no answer again and again."""

    @property
    def open_circuits(self) -> list[str]:
        """The methods that are not asked now."""
        ...


Foreign: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[None]]
"""What a program does with an update that is not ours, given as plain JSON."""


@runtime_checkable
class Receiving(Protocol):
    """An adapter without a host: it gets its updates itself, or is given them."""

    async def receive(self, foreign: Foreign | None) -> None:
        """Ask Telegram for updates until cancelled; every payment is recorded before Telegram is told that it arrived."""
        ...

    async def take(self, update: Mapping[str, Any]) -> bool:
        """Whether an update was ours; if so, everything about it is done. Raises what the sink raises."""
        ...


@runtime_checkable
class OwnLoop(Protocol):
    """An adapter of a library without an event loop: what is asynchronous runs on one of the adapter's, in its own thread."""

    @property
    def on_loop_thread(self) -> bool:
        """Whether the caller runs on that loop, and would block it by waiting for it."""
        ...

    def run_soon(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine on the loop, from any thread; the loop starts when it is needed."""
        ...

    def stop_loop(self) -> None:
        """Stop the loop and end its thread; what still runs there is cancelled. Not to be called on the loop."""
        ...

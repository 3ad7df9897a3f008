"""The contract of an extension: what takes part in sales beside the core, and where it is asked.

Hooks are units of work: plain functions that are asked with whole batches, may run again, and must not wait. They make their
rows right for what is true *now*, because the same payment may be shown to them several times, and late.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from neonpay.core.clock import Clock
from neonpay.core.events import Event
from neonpay.core.jsontext import JsonObject, JsonValue
from neonpay.core.payments import Invoice, Payment, PreCheckout
from neonpay.core.ports import Command, Press
from neonpay.core.seen import SeenUpdate
from neonpay.ledger import ExtensionTables, Ledger
from neonpay.payments.gates import Refusal
from neonpay.payments.handlers.builtin_jobs import BuiltinJob
from neonpay.store.periodic import PeriodicTask

if TYPE_CHECKING:
    import sqlalchemy as sa


class Lent(Protocol):
    """The transaction of the unit, lent to a hook: what the hook raises undoes what it wrote, and nothing else."""

    @property
    def connection(self) -> sa.Connection:
        """For statements; it cannot commit, roll back or close."""
        ...

    def publish(self, *facts: Event) -> None:
        """Write facts; subscribers and listeners are told once the transaction is durable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What an offer will cost.

    Attributes:
        price_stars: whole Stars, at least 1.
        valid_for_s: seconds until the invoice expires; None for never.
        terms: what the price hangs on, such as a code; kept with the invoice.
    """

    price_stars: int
    valid_for_s: float | None = None
    terms: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody is to be offered, before there is an invoice.

    Attributes:
        user_id: who asks, where that is known; None for a link that nobody in particular asked for.
        payer_id: the only user who may pay; None when anyone may.
        metadata: what the program gave with the offer.
    """

    stage_id: str
    user_id: int | None
    payer_id: int | None
    metadata: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An invoice about to be written, or a checkout about to be approved.

    Attributes:
        claim_id: id of the approval, or of the invoice; the same when the unit runs again, and when Telegram asks again.
        user_id: who is to pay, or asks for the invoice; None for a link that nobody in particular asked for.
        query: the checkout; None for an invoice.
        invoice: what is about to be paid; None while it is not written.
        terms: what the quote of the invoice was based on.
    """

    claim_id: str
    invoice_id: str
    stage_id: str
    price_stars: int
    user_id: int | None
    query: PreCheckout | None = None
    invoice: Invoice | None = None
    terms: JsonObject = field(default_factory=dict)


class Release(enum.StrEnum):
    """Why something that was held is not needed any more."""

    SEND_FAILED = "send_failed"
    """The invoice did not reach its buyer."""
    EXPIRED = "expired"
    """The time of the invoice is over."""
    REFUSED = "refused"
    """Somebody else said no to the same claim."""
    CHECKOUT_LAPSED = "checkout_lapsed"
    """The approval did not reach Telegram in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A claim that is over without a payment.

    Attributes:
        claim_id: as in ``Claim``.
        user_id: who was to pay, where that is known.
    """

    claim_id: str
    invoice_id: str | None
    user_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """A payment as it is now: accepted, waiting for a person, going back, or gone back (``payment.state``).

    Attributes:
        event_id: id of the event that told of the payment first, which names it in the ledger.
        is_new: whether it is being recorded right now.
    """

    payment: Payment
    event_id: str
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class SendBack:
    """The Stars of a payment go back to the buyer.

    Heeded for an accepted payment: when it is being recorded, before a handler sees it, and as a refund when a job settles it.
    A person who accepts a payment has decided.

    Attributes:
        words: why, for the owner and the buyer.
    """

    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """Is told of events, at least once each and in no promised order, after they are durable; through restarts.

    Attributes:
        name: stable, since what waits for it is kept under this name.
        events: names of the kinds of events that it is told of.
        run: awaited with each of them; when it raises, it runs again later. ``PutOff`` says when, and counts as no attempt.
        max_attempts: after so many the event is a dead letter of this subscriber.
    """

    name: str
    events: frozenset[str]
    run: Callable[[Event], Awaitable[None]]
    max_attempts: int = 10


class Conversation(Protocol):
    """Commands and buttons of an extension in the bot itself."""

    def wants_command(self, text: str) -> bool:
        """Whether a message is a command of this conversation; called for every message, so it only looks at the text."""
        ...

    def wants_press(self, data: str) -> bool:
        """Whether a button is one of this conversation's; called for every press."""
        ...

    async def command(self, command: Command) -> None:
        """Somebody has sent a command that is wanted."""
        ...

    async def press(self, press: Press) -> None:
        """Somebody has pressed a button that is wanted."""
        ...


@runtime_checkable
class Reserved(Protocol):
    """A conversation with some people alone: to everybody else its commands are the host's."""

    @property
    def answers_only(self) -> Collection[int]:
        """Their user ids."""
        ...


class Host(Protocol):
    """What an extension may use of the shop that it is part of, while that is open."""

    @property
    def bot_id(self) -> int:
        """The bot."""
        ...

    @property
    def ledger(self) -> Ledger:
        """The database; open."""
        ...

    @property
    def clock(self) -> Clock:
        """What time it is."""
        ...

    async def call(self, method: str, params: Mapping[str, JsonValue], *, patience_s: float = 0.0) -> JsonValue:
        """The result of a method of the Bot API, at Telegram's pace; see ``NeonPayCore.call``."""
        ...

    def look_soon(self) -> None:
        """Have periodic tasks that are due begin their turns now, and not when the program looks next, seconds later.

        For what a unit of the extension's own has just made due; it costs one reading, however many ask at one time.
        """
        ...

    def announce(self, *facts: Event) -> None:
        """Tell the listeners of facts that a unit of the extension's own has published, now that they are durable."""
        ...


class Extension:
    """Override what you need; a method that is not overridden is never called.

    Attributes:
        name: lower case, digits and dashes; names its jobs, its pages and its commands.
        order: extensions are asked by order, then by name, and never in the order in which they were taken into use.
        in_unit: its hooks are called without a savepoint and with the transaction's own connection. What they raise undoes
            the whole unit, so it is for code that is tested together with the core.
        is_everywhere: every program has it, so no program has to be told that the shop sells by its rules.
        tables: what it keeps in the ledger; made or upgraded when a program that uses it opens, before any hook is asked.
    """

    name: ClassVar[str]
    order: ClassVar[int] = 100
    in_unit: ClassVar[bool] = False
    is_everywhere: ClassVar[bool] = False
    tables: ClassVar[ExtensionTables | None] = None

    @property
    def remembers_claims(self) -> bool:
        """Whether ``hold`` writes what it agrees to, and so must not be asked twice about one checkout."""
        return True

    def wants_declined(self, reason: str) -> bool:
        """Whether ``declined`` is to be called for this reason; asked often, and only looks."""
        return True

    def quote(self, transaction: Lent, asked: Asked, quote: Quote) -> Quote | Refusal:
        """The quote, or another one, or a refusal; asked before an invoice is written."""
        raise NotImplementedError

    def hold(self, transaction: Lent, claims: Sequence[Claim]) -> Mapping[str, Refusal]:
        """Set aside what these claims need; refusals by claim id. A claim that comes again holds what it has held.

        When it raises, the claim is refused.
        """
        raise NotImplementedError

    def let_go(self, transaction: Lent, claims: Sequence[Released], why: Release) -> None:
        """What was set aside for these is anybody's again. Idempotent; comes also for claims that ``hold`` has refused."""
        raise NotImplementedError

    def settle(self, transaction: Lent, payments: Sequence[Settlement]) -> Mapping[str, SendBack]:
        """Make the extension's rows right for each payment as it is now; by charge id what goes back at once.

        Comes when a payment is recorded, accepted by hand, rejected or refunded, and again after a fault. When it raises, the
        payment stays as it is and the job ``settle:NAME`` tries again.
        """
        raise NotImplementedError

    def declined(self, transaction: Lent, query: PreCheckout, reason: str) -> None:
        """A checkout was declined, by whomever."""
        raise NotImplementedError

    def erase(self, transaction: Lent, user_id: int) -> None:
        """Remove what the extension keeps about a person, for ``neonpay.people.erase``. What the books need stays.

        Idempotent. When it raises, nothing of the person is removed.
        """
        raise NotImplementedError

    def export(self, transaction: Lent, user_id: int) -> JsonObject:
        """What the extension keeps about a person, for ``neonpay.people.export``; it writes nothing."""
        raise NotImplementedError

    def subscribers(self) -> Sequence[Subscriber]:
        """Who is told of events; read when the shop opens."""
        return ()

    def jobs(self) -> Mapping[str, BuiltinJob]:
        """Its own jobs about payments, by what they are called; read when the shop opens.

        Each is awaited with the payment and its context, as a payment handler is, and is done when it returns.
        """
        return {}

    def periodic(self) -> Sequence[PeriodicTask]:
        """What comes round, one worker at a time; read when the shop opens."""
        return ()

    def conversation(self) -> Conversation | None:
        """Its commands and buttons in the bot."""
        return None

    def seen(self, update: SeenUpdate) -> None:
        """Somebody did something with the bot; told for each update of the host, which gets it all the same.

        It is called from whatever thread handles updates, and the host waits meanwhile, so it only remembers: it does no input
        or output. What it raises is counted (``get_stats()["seen_faults"]``) and logged, and reaches nobody. Where no
        extension has it, no update is looked at.
        """
        raise NotImplementedError

    def running(self, host: Host) -> AbstractAsyncContextManager[None]:
        """Entered once checkouts can be answered, and left before the ledger closes.

        It may be entered again without having been left, after a loop that died.
        """
        raise NotImplementedError


HOOKS = ("quote", "hold", "let_go", "settle", "declined", "erase", "export", "seen", "running")
"""The methods of an extension that are called only where they are overridden."""


def overrides(extension: Extension, hook: str) -> bool:
    """Whether an extension has a hook of its own."""
    return getattr(type(extension), hook) is not getattr(Extension, hook)

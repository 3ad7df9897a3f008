"""Who takes part in a payment: planned from the registry of the shop, and run here as far as this program can."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from neonpay.core.payments import PaymentState
from neonpay.core.roles import Role
from neonpay.ledger import Transaction
from neonpay.payments.consumers.registry import (
    UNREAD,
    ConsumerKind,
    Declaration,
    Roster,
    read_consumers,
    read_version,
)
from neonpay.payments.extensions_used import Extensions
from neonpay.payments.handlers.registry import ON_REFUND_REQUEST, Handler, HandlerRegistry

PLAN = "neonpay:plan"
"""The job of a payment that nobody in the shop takes yet: it gives it its other jobs once somebody does."""
REFUND = "neonpay:refund"
"""The job that sends Stars back."""
REFUND_REQUEST = "neonpay:refund_request"
"""The job that decides on a buyer's request for a refund, or leaves it to a person."""
ASK_ADMINS = "neonpay:ask_admins"
"""The job that shows the shop's people a request that waits for them."""
ANSWER_BUYER = "neonpay:answer_buyer"
"""The job that tells a buyer what has become of their request."""
THANK_YOU = "neonpay:thank_you"
"""The job that thanks the buyer."""
TELL = "neonpay:tell"
"""The job that sends a message which a handler has said."""
SETTLE = "settle:"
"""What the job of an extension begins with that has to make its rows right for a payment."""
GUARD = "guard:"
"""What the entry of an extension in the registry begins with by whose rules the shop sells."""


class Program:
    """What this program can run.

    Args:
        handlers, revokers, reviewers: its payment and refund handlers, and its hooks for requests.
        thanks: whether it has words for the buyers.
        role: one that does not deliver runs none of them.
        extensions: what takes part in its sales.
    """

    def __init__(
        self,
        handlers: HandlerRegistry,
        revokers: HandlerRegistry,
        reviewers: HandlerRegistry | None = None,
        *,
        thanks: bool,
        role: Role,
        extensions: Extensions | None = None,
    ) -> None:
        self._extensions = Extensions() if extensions is None else extensions
        self._registries = (handlers, revokers)
        self._reviewers = HandlerRegistry(ON_REFUND_REQUEST) if reviewers is None else reviewers
        self._thanks = thanks
        self._delivers = role is Role.DELIVERS

    @property
    def delivers(self) -> bool:
        """Whether it is a program that delivers, whatever it has."""
        return self._delivers

    def declarations(self) -> list[Declaration]:
        """What it tells the shop about itself."""
        if not self._delivers:
            return []
        kinds = (ConsumerKind.DELIVERS, ConsumerKind.REVOKES, ConsumerKind.REVIEWS)
        declared = [
            Declaration(handler.consumer, kind, handler.stage_ids, handler.was_consumer)
            for kind, registry in zip(kinds, (*self._registries, self._reviewers), strict=True)
            for handler in registry
        ]
        if self._thanks:
            declared.append(Declaration(THANK_YOU, ConsumerKind.THANKS))
        settling = self._extensions.having("settle")
        declared += [Declaration(f"{SETTLE}{extension.name}", ConsumerKind.SETTLES) for extension in settling]
        declared += [Declaration(f"{GUARD}{name}", ConsumerKind.GUARDS) for name in self._extensions.guards]
        for consumer, subscriber in self._extensions.subscribers().items():
            declared.append(Declaration(consumer, ConsumerKind.SUBSCRIBES, event_names=subscriber.events))
        return declared

    def declared(self) -> set[str]:
        """The names of what it declares."""
        return {one.consumer for one in self.declarations()}

    def lacks(self, kind: ConsumerKind, prefix: str, roster: Roster) -> tuple[str, ...]:
        """The consumers of a kind that stand for extensions of other programs alone."""
        names = roster.of_kind(kind)
        return tuple(name for name in names if self._extensions.find(name.removeprefix(prefix)) is None)

    def find(self, consumer: str) -> Handler | None:
        """The handler that a job names, or None when this program does not run it."""
        if not self._delivers:
            return None
        handlers, revokers = self._registries
        return handlers.find(consumer) or revokers.find(consumer)

    def reviews(self, consumer: str) -> bool:
        """Whether it has a hook that looks at requests for refunds."""
        return self._delivers and self._reviewers.find(consumer) is not None

    def runs(self, consumer: str) -> bool:
        """Whether a job of this consumer is started here when it is written."""
        if consumer == REFUND:
            return True
        return self.find(consumer) is not None or (consumer == THANK_YOU and self._delivers and self._thanks)

    @property
    def runs_inside(self) -> bool:
        """Whether some of its payment handlers run inside the transaction that records."""
        return self._delivers and self._registries[0].runs_inside

    @property
    def size(self) -> int:
        """How many handlers and extensions it has; it never loses one."""
        handlers, revokers = self._registries
        return len(handlers) + len(revokers) + len(self._extensions)

    @property
    def consumers(self) -> list[str]:
        """What jobs call its handlers."""
        return [name for registry in self._registries for name in registry.consumers] if self._delivers else []


class Taker(NamedTuple):
    """Who takes part in a payment.

    Attributes:
        name: what its jobs call it.
        handler: of this program; None when another one has it, or it is neonpay's own.
        is_here: whether this program starts its jobs when it writes them; otherwise they are left for one that does.
        is_alone: whether it is the only one that delivers, so that nobody has to be asked for once it is done.
    """

    name: str
    handler: Handler | None
    is_here: bool
    is_alone: bool = False


class ConsumerSelection:
    """Which jobs a payment gets: the same ones whoever of the shop records it.

    ``refresh`` or ``read`` comes first in every unit of work that plans.
    """

    def __init__(self, bot_id: int, program: Program) -> None:
        self._bot_id = bot_id
        self._program = program
        self._roster = UNREAD
        self._size = program.size
        self._planned: dict[tuple[ConsumerKind | PaymentState, str | None], Sequence[Taker]] = {}
        self._lacked: dict[tuple[ConsumerKind, str], Sequence[str]] = {}

    def refresh(self, transaction: Transaction, version: int) -> None:
        """ConsumerSelection by this version of the registry."""
        if self._roster.version != version:
            self._roster = Roster(version, read_consumers(transaction, self._bot_id))
        elif self._size == self._program.size:
            return
        # A handler that this program declares later is found as soon as it is there. A new dict and not an emptied one:
        # another thread may be about to put an answer of before into the old one.
        self._size = self._program.size
        self._planned = {}
        self._lacked = {}

    def read(self, transaction: Transaction) -> None:
        """ConsumerSelection by the registry as it is."""
        self.refresh(transaction, read_version(transaction, self._bot_id))

    def takers(self, state: PaymentState, stage_id: str | None) -> Sequence[Taker]:
        """Who takes part in a payment in this state.

        A payment that nobody takes gets the job that goes on looking for somebody.
        """
        planned, key = self._planned, (state, stage_id)
        found = planned.get(key)
        if found is None:
            found = planned[key] = self._takers(state, stage_id)
        return found

    def delivers(self, stage_id: str | None) -> bool:
        """Whether somebody in the shop takes payments of this stage."""
        return bool(self._of(ConsumerKind.DELIVERS, stage_id))

    def settled_elsewhere(self) -> Sequence[str]:
        """The consumers of extensions that other programs have, and that have to see every payment."""
        return self._lacking(ConsumerKind.SETTLES, SETTLE)

    def guarded_elsewhere(self) -> list[str]:
        """The names of extensions by whose rules the shop sells, and which this program does not have."""
        return [name.removeprefix(GUARD) for name in self._lacking(ConsumerKind.GUARDS, GUARD)]

    def after_refund(self, stage_id: str | None) -> Sequence[Taker]:
        """Who revokes what a payment of this stage has granted."""
        return self._of(ConsumerKind.REVOKES, stage_id)

    def reviews_elsewhere(self, transaction: Transaction, stage_id: str | None) -> bool:
        """Whether a hook of another program has to look at requests about this stage."""
        self.read(transaction)
        names = self._roster.names(ConsumerKind.REVIEWS, stage_id)
        return not all(self._program.reviews(name) for name in names)

    def lacks_reviews(self) -> bool:
        """Whether the shop has hooks for requests that this program has not, as far as it has read the registry."""
        return not all(self._program.reviews(name) for name in self._roster.of_kind(ConsumerKind.REVIEWS))

    def _takers(self, state: PaymentState, stage_id: str | None) -> Sequence[Taker]:
        if state is PaymentState.REFUND_DUE:
            return (self._taker(REFUND),)
        if state is not PaymentState.ACCEPTED:
            return ()
        delivering = self._of(ConsumerKind.DELIVERS, stage_id)
        if not delivering:
            return (self._taker(PLAN),)
        if len(delivering) == 1:
            delivering = [delivering[0]._replace(is_alone=True)]
        return [*delivering, *self._of(ConsumerKind.THANKS, stage_id)]

    def _of(self, kind: ConsumerKind, stage_id: str | None) -> Sequence[Taker]:
        planned, key = self._planned, (kind, stage_id)
        found = planned.get(key)
        if found is None:
            mine = {name: place for place, name in enumerate(self._program.consumers)}
            names = sorted(self._roster.names(kind, stage_id), key=lambda name: mine.get(name, len(mine)))
            found = planned[key] = [self._taker(name) for name in names]
        return found

    def _lacking(self, kind: ConsumerKind, prefix: str) -> Sequence[str]:
        lacking, key = self._lacked, (kind, prefix)
        found = lacking.get(key)
        if found is None:
            found = lacking[key] = self._program.lacks(kind, prefix, self._roster)
        return found

    def _taker(self, name: str) -> Taker:
        return Taker(name, self._program.find(name), self._program.runs(name))

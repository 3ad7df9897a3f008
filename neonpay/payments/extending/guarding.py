"""Extensions where a sale can still be stopped: they quote prices, and set aside what a sale needs."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from neonpay.core.checkout import Decline
from neonpay.core.events import Event
from neonpay.core.limits import PRICE_MAX_STARS, PRICE_MIN_STARS
from neonpay.core.payments import PreCheckout
from neonpay.errors import ExtensionMissingError, TransactionEndedError, ValidationError
from neonpay.ledger import Transaction
from neonpay.payments.consumers.selection import ConsumerSelection
from neonpay.payments.extending.lending import lend
from neonpay.payments.extension import Asked, Claim, Extension, Lent, Quote, Release, Released
from neonpay.payments.extensions_used import Extensions
from neonpay.payments.gates import Refusal

logger = logging.getLogger("neonpay.payments")


class Held(NamedTuple):
    """Refusals by claim id, and the facts that extensions have written."""

    refusals: Mapping[str, Refusal]
    published: Sequence[Event]


class Guards:
    """Asks the extensions of one bot."""

    def __init__(self, extensions: Extensions, plan: ConsumerSelection) -> None:
        self._extensions = extensions
        self._plan = plan

    @property
    def remembers(self) -> bool:
        """Whether some extension must not be asked twice about one checkout."""
        return any(extension.remembers_claims for extension in self._extensions.having("hold"))

    @property
    def quotes(self) -> bool:
        """Whether extensions of this program make prices."""
        return bool(self._extensions.having("quote"))

    @property
    def holds_more(self) -> bool:
        """Whether some extension, beside those that every program has, sets something aside."""
        return any(not extension.is_everywhere for extension in self._extensions.having("hold"))

    def notices(self, reason: str) -> bool:
        """Whether some extension wants to be told of a checkout that was declined for this reason."""
        return any(extension.wants_declined(reason) for extension in self._extensions.having("declined"))

    def require_all(self, transaction: Transaction) -> None:
        """See that this program has every extension whose rules the shop sells by.

        Raises:
            ExtensionMissingError: it lacks some of them; nothing may be sold here.
        """
        self._plan.read(transaction)
        lacking = self._plan.guarded_elsewhere()
        if lacking:
            raise ExtensionMissingError(lacking[0])

    def refresh(self, transaction: Transaction, version: int) -> None:
        """Know the shop by this version of its registry."""
        self._plan.refresh(transaction, version)

    def lack(self) -> bool:
        """Whether the shop sells by the rules of an extension that this program lacks, which is logged then."""
        lacking = self._plan.guarded_elsewhere()
        if lacking:
            logger.error("checkouts are declined: %s", ExtensionMissingError(lacking[0]))
        return bool(lacking)

    def quote(self, transaction: Transaction, asked: Asked, quote: Quote) -> tuple[Quote | Refusal, Sequence[Event]]:
        """The last extension's quote, or the first one's refusal.

        Raises:
            ValidationError: an extension quotes a price that no invoice can have.
        """
        published: list[Event] = []
        for extension in self._extensions.having("quote"):
            before = quote
            outcome, facts = lend(transaction, extension, lambda lent, e=extension, q=before: e.quote(lent, asked, q))  # type: ignore[misc]
            if isinstance(outcome, Refusal):
                return outcome, ()
            _check(extension, outcome)
            published += facts
            quote = outcome
        return quote, published

    def hold(self, transaction: Transaction, claims: Sequence[Claim], *, again: bool = False) -> Held:
        """Ask every extension to set aside what claims need; one that is refused by one is let go of by those before.

        Args:
            again: the claims were held before and were let go of; who has only counted them is not asked.
        """
        refusals: dict[str, Refusal] = {}
        published: list[Event] = []
        holders = [one for one in self._extensions.having("hold") if not (again and one.is_everywhere)]
        for place, extension in enumerate(holders):
            open_claims = [claim for claim in claims if claim.claim_id not in refusals]
            if not open_claims:
                break
            noes = self._ask(transaction, extension, open_claims, published)
            refusals.update(noes)
            refused = [claim for claim in open_claims if claim.claim_id in noes]
            if refused and place:
                published += self._let_go(transaction, holders[:place], refused, Release.REFUSED)
        return Held(refusals, published)

    def let_go(self, transaction: Transaction, claims: Sequence[Claim | Released], why: Release) -> Sequence[Event]:
        """What was set aside for these is anybody's again; the facts that extensions have written."""
        letting = self._extensions.having("let_go")
        return self._let_go(transaction, letting, claims, why) if letting and claims else ()

    def declined(self, transaction: Transaction, query: PreCheckout, reason: str) -> Sequence[Event]:
        """A checkout was declined; what an extension raises is logged."""
        published: list[Event] = []
        for extension in self._extensions.having("declined"):
            if not extension.wants_declined(reason):
                continue
            try:
                _, facts = lend(transaction, extension, lambda lent, e=extension: e.declined(lent, query, reason))  # type: ignore[misc]
            except TransactionEndedError:
                raise
            except Exception:  # the answer is given; an extension that cannot take note changes nothing about it
                if extension.in_unit:
                    raise
                logger.exception("extension %s could not take note of a declined checkout", extension.name)
            else:
                published += facts
        return published

    def _ask(
        self, transaction: Transaction, extension: Extension, claims: Sequence[Claim], published: list[Event]
    ) -> Mapping[str, Refusal]:
        try:
            refusals, facts = lend(transaction, extension, lambda lent: _held(extension, lent, claims))
        except TransactionEndedError:
            raise
        except Exception:  # fail closed: what cannot be set aside must not be paid
            if extension.in_unit:
                raise
            if len(claims) > 1:
                alone = [self._ask(transaction, extension, [claim], published) for claim in claims]
                return {claim_id: refusal for of_one in alone for claim_id, refusal in of_one.items()}
            logger.exception("extension %s raised, so a sale is refused", extension.name)
            return {claims[0].claim_id: Refusal(reason=Decline.ERROR)}
        published += facts
        return refusals

    def _let_go(
        self,
        transaction: Transaction,
        extensions: Iterable[Extension],
        claims: Sequence[Claim | Released],
        why: Release,
    ) -> list[Event]:
        over = [Released(claim_id=one.claim_id, invoice_id=one.invoice_id, user_id=one.user_id) for one in claims]
        published: list[Event] = []
        for extension in extensions:
            if extension not in self._extensions.having("let_go"):
                continue
            try:
                _, facts = lend(transaction, extension, lambda lent, e=extension: e.let_go(lent, over, why))  # type: ignore[misc]
            except TransactionEndedError:
                raise
            except Exception:  # what is held ends with its time; a sale must not fail over it
                if extension.in_unit:
                    raise
                logger.exception("extension %s could not let go of what it has set aside", extension.name)
            else:
                published += facts
        return published


def _check(extension: Extension, quote: Quote) -> None:
    price: object = getattr(quote, "price_stars", None)  # whatever an extension returns
    is_whole = isinstance(price, int) and not isinstance(price, bool)
    if not (is_whole and PRICE_MIN_STARS <= quote.price_stars <= PRICE_MAX_STARS):
        rule = f"a Quote with whole Stars from {PRICE_MIN_STARS} to {PRICE_MAX_STARS}; extension {extension.name!r} gave it"
        raise ValidationError("quote", quote, rule)


def _held(extension: Extension, lent: Lent, claims: Sequence[Claim]) -> Mapping[str, Refusal]:
    refusals: object = extension.hold(lent, claims)
    if isinstance(refusals, Mapping) and all(isinstance(one, Refusal) for one in refusals.values()):
        return refusals
    msg = f"hold of extension {extension.name!r} returned {refusals!r}, and not Refusal by claim id, such as {{}}"
    raise TypeError(msg)

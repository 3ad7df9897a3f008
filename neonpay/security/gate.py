"""The seller's rules at the two places where a sale can still be stopped without costing anybody anything."""

from __future__ import annotations

from neonpay.core.checkout import Decline
from neonpay.core.payments import PreCheckout
from neonpay.ledger import Transaction
from neonpay.payments.gates import Refusal, Sale
from neonpay.security.facts import ActionType, Rank, ThreatLevel, risk_score
from neonpay.security.limits import Limits
from neonpay.security.record import DECLINED, PAYING_US, SUSPICIOUS, Decision, UserRecord

RISK_WINDOW_US = 30 * 86_400 * 1_000_000
"""How long conduct counts towards the risk score."""
_OFFER = ActionType.PAYMENT_REQUEST
_CHECKOUT = ActionType.PAYMENT_COMPLETION
_SUSPICIOUS = frozenset(
    {
        Decline.FORGED_PAYLOAD,
        Decline.UNKNOWN_INVOICE,
        Decline.WRONG_AMOUNT,
        Decline.WRONG_PAYER,
    }
)
"""Declines that somebody who only wants to buy hardly ever sees; the shop's own faults and limits are not among them."""


class SecurityGate:
    """Blocks, trust and limits of one bot."""

    counts_declines = _SUSPICIOUS

    def __init__(self, bot_id: int) -> None:
        self._bot_id = bot_id
        self.limits = Limits()

    @property
    def counts_checkouts(self) -> bool:
        """Whether a limit counts the checkouts that are approved."""
        return _CHECKOUT in self.limits.actions or self.limits.spending is not None

    def check(self, transaction: Transaction, sale: Sale) -> Refusal | None:
        """Why this user may not buy now, or None; what is counted is written with the sale."""
        if sale.user_id is None:
            return None
        record = UserRecord(transaction, self._bot_id, sale.user_id)
        if self._counts(sale):
            record.lock()
        # After the lock, because what another transaction has just counted must not lie in this one's future.
        decision = record.decision()
        refusal = self._refusal(record, decision, sale)
        if refusal is None and decision.rank is not Rank.BLOCKED:
            self._note(record, decision, sale)
        return refusal

    def judge(self, transaction: Transaction, sale: Sale) -> Refusal | None:
        """What ``check`` would say, without writing anything."""
        assert sale.user_id is not None, "only a user can be judged"
        record = UserRecord(transaction, self._bot_id, sale.user_id)
        return self._refusal(record, record.decision(), sale)

    def withdrawn(self, transaction: Transaction, user_id: int, sale_id: str) -> None:
        """The approval did not reach Telegram: it does not count."""
        UserRecord(transaction, self._bot_id, user_id).forget(_CHECKOUT, sale_id)

    def declined(self, transaction: Transaction, query: PreCheckout, reason: str) -> None:
        """Count a declined checkout that looks like an attempt at something."""
        record = UserRecord(transaction, self._bot_id, query.user_id)
        now_us = record.decision().now_us
        declines = self.limits.declines
        keep_us = max(RISK_WINDOW_US, declines.window_us if declines else 0)
        record.note(DECLINED, query.query_id, now_us=now_us, keep_us=keep_us, note=str(reason))

    def _refusal(self, record: UserRecord, decision: Decision, sale: Sale) -> Refusal | None:
        now_us, limits = decision.now_us, self.limits
        if decision.rank is Rank.BLOCKED:
            until_us = decision.until_us
            return Refusal(
                reason=Decline.BLOCKED, retry_after_s=None if until_us is None else (until_us - now_us) / 1e6
            )
        if decision.rank is Rank.TRUSTED:
            return None
        action = _action(sale)
        for kind, rate in ((action, limits.actions.get(action)), (DECLINED, limits.declines)):
            wait_us = None if rate is None else record.wait_us(kind, rate, now_us)
            if wait_us is not None:
                return Refusal(reason=Decline.TOO_OFTEN, retry_after_s=wait_us / 1e6)
        spending = limits.spending
        if spending is not None:
            spent = record.spent_stars(_CHECKOUT, spending.window_us, now_us)
            if spent + sale.price_stars > spending.most:
                return Refusal(reason=Decline.TOO_MUCH)
        refunds = limits.refunds
        if refunds is not None and record.refunds(refunds.window_us, now_us) >= refunds.most:
            return Refusal(reason=Decline.TOO_MANY_REFUNDS)
        if limits.risk_score is not None and _risk(record, now_us) >= limits.risk_score:
            return Refusal(reason=Decline.TOO_RISKY)
        return _used_up(sale, limits.link_payments)

    def _note(self, record: UserRecord, decision: Decision, sale: Sale) -> None:
        action = _action(sale)
        rate = self.limits.actions.get(action)
        if not self._counts(sale):
            return
        keep_us = max(PAYING_US, rate.window_us if rate else 0)
        stars = sale.price_stars if action is _CHECKOUT else 0
        record.note(action, sale.sale_id, now_us=decision.now_us, keep_us=keep_us, amount_stars=stars)

    def _counts(self, sale: Sale) -> bool:
        action = _action(sale)
        return self.counts_checkouts if action is _CHECKOUT else action in self.limits.actions


def _action(sale: Sale) -> ActionType:
    return _OFFER if sale.query is None else _CHECKOUT


def _risk(record: UserRecord, now_us: int) -> int:
    return risk_score(
        failed_attempts=record.count(DECLINED, RISK_WINDOW_US, now_us),
        refunds=record.refunds(RISK_WINDOW_US, now_us),
        threats={level: record.count(SUSPICIOUS + level, RISK_WINDOW_US, now_us) for level in ThreatLevel},
    )


def _used_up(sale: Sale, most: int | None) -> Refusal | None:
    invoice = sale.invoice
    if most is None or invoice is None or invoice.user_id is not None or invoice.payments_count < most:
        return None
    return Refusal(reason=Decline.LINK_USED_UP)

"""How often each user may do a thing, counted in the ledger: across workers, and through restarts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from neonpay.core.namespaces import M, Namespace, verb
from neonpay.ledger import Ledger, Transaction
from neonpay.security.facts import ActionType, RateCheck
from neonpay.security.gate import SecurityGate
from neonpay.security.limits import Limits, Rate
from neonpay.security.record import UserRecord
from neonpay.store.ids import new_event_id


class RateLimiter(Namespace[M], path="security.rate_limiter"):
    """Counts the actions of one bot's users; the limits are the gate's, so that what is set here holds for sales too."""

    def __init__(self, mode: M, bot_id: int, open_ledger: Callable[[], Awaitable[Ledger]], gate: SecurityGate) -> None:
        super().__init__(mode)
        self._bot_id = bot_id
        self._open_ledger = open_ledger
        self._gate = gate

    def set_limit(self, action_type: ActionType, max_requests: int, time_window: float) -> None:
        """Allow ``max_requests`` in any ``time_window`` seconds from now on.

        Raises:
            ValidationError: a number is out of its bounds; nothing was changed.
        """
        limits = self._gate.limits
        actions = {**limits.actions, ActionType(action_type): Rate(max_requests, time_window)}
        self._gate.limits = Limits(
            actions=actions,
            spending=limits.spending,
            declines=limits.declines,
            refunds=limits.refunds,
            link_payments=limits.link_payments,
            risk_score=limits.risk_score,
        )

    @verb
    async def is_allowed(self, user_id: int, action_type: ActionType) -> RateCheck:
        """Whether the user may do it once more; when so, that is counted, and when not, nothing is.

        ``PAYMENT_REQUEST`` and ``PAYMENT_COMPLETION`` count themselves at the sale; asking here counts once more.

        Raises:
            LedgerError: the ledger cannot be written to; nothing was counted.
        """
        return await count_action(self._open_ledger, self._gate, self._bot_id, user_id, action_type)

    @verb
    async def get_remaining_requests(self, user_id: int, action_type: ActionType) -> int | None:
        """How often the user may do it now, or None when it is not limited."""
        action = ActionType(action_type)
        rate = self._gate.limits.actions.get(action)
        if rate is None:
            return None
        ledger = await self._open_ledger()
        return rate.most - await ledger.read(_counted, self._bot_id, user_id, action, rate)

    @verb
    async def reset_user_limits(self, user_id: int) -> int:
        """Forget how often the user did anything that is limited; returns how many entries there were."""
        ledger = await self._open_ledger()
        return await ledger.run(_reset, self._bot_id, user_id)


async def count_action(
    open_ledger: Callable[[], Awaitable[Ledger]], gate: SecurityGate, bot_id: int, user_id: int, action_type: ActionType
) -> RateCheck:
    """Count an action that is within its limit; see ``RateLimiter.is_allowed``."""
    action = ActionType(action_type)
    rate = gate.limits.actions.get(action)
    if rate is None:
        return RateCheck(allowed=True, retry_after_s=None)
    ledger = await open_ledger()
    return await ledger.run(_count, bot_id, user_id, action, rate, new_event_id())


def _count(
    transaction: Transaction, bot_id: int, user_id: int, action: ActionType, rate: Rate, entry_id: str
) -> RateCheck:
    record = UserRecord(transaction, bot_id, user_id)
    record.lock()
    now_us = record.decision().now_us
    wait_us = record.wait_us(action, rate, now_us)
    if wait_us is not None and not record.has(action, entry_id):
        return RateCheck(allowed=False, retry_after_s=wait_us / 1e6)
    record.note(action, entry_id, now_us=now_us, keep_us=rate.window_us)
    return RateCheck(allowed=True, retry_after_s=None)


def _counted(transaction: Transaction, bot_id: int, user_id: int, action: ActionType, rate: Rate) -> int:
    record = UserRecord(transaction, bot_id, user_id)
    return min(rate.most, record.count(action, rate.window_us, record.decision().now_us))


def _reset(transaction: Transaction, bot_id: int, user_id: int) -> int:
    return UserRecord(transaction, bot_id, user_id).forget_all(tuple(ActionType))

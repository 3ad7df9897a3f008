"""Who may buy, as the seller decides it: blocks, trust, limits, and what is known about a user."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import sqlalchemy as sa

from neonpay.core import jsontext
from neonpay.core.clock import moment
from neonpay.core.events import Event, UserBlocked, UserReported, UserTrusted, UserUnblocked
from neonpay.core.jsontext import JsonValue
from neonpay.core.namespaces import M, Namespace, verb
from neonpay.errors import ValidationError
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables_security import conduct, standings
from neonpay.payments.gates import Sale
from neonpay.security.facts import (
    ActionType,
    Rank,
    RateCheck,
    RiskAssessment,
    SecurityEvent,
    Standing,
    ThreatLevel,
    UserSecurityProfile,
    threat_level,
)
from neonpay.security.gate import RISK_WINDOW_US, SecurityGate
from neonpay.security.limits import Limits
from neonpay.security.profile import profile_of
from neonpay.security.rate_limiter import RateLimiter, count_action
from neonpay.security.record import SUSPICIOUS, UserRecord
from neonpay.store.entries import publish
from neonpay.store.ids import new_event_id

_DAY_US = 86_400_000_000
_DESCRIPTION_CHARS = 500
_EVENTS: dict[Rank, type[Event]] = {Rank.BLOCKED: UserBlocked, Rank.TRUSTED: UserTrusted, Rank.NONE: UserUnblocked}


class SecurityManager(Namespace[M], path="security"):
    """Decides who gets an invoice and whose checkout goes through; it is at ``neonpay.security``.

    Nothing here touches a payment that has arrived: it is recorded and delivered whoever paid. Decisions and counts are in
    the ledger, so they hold for every worker and after a restart; limits are the program's and are set anew by each process.
    All methods that are awaited raise LedgerError when the ledger cannot be used; nothing was changed then.

    Args:
        open_ledger: gives the ledger, opened.
        gate: what is asked at each sale; it keeps the limits.
        announce: told of every event after it is durable.
    """

    def __init__(
        self,
        mode: M,
        bot_id: int,
        open_ledger: Callable[[], Awaitable[Ledger]],
        gate: SecurityGate,
        *,
        announce: Callable[[Event], None],
    ) -> None:
        super().__init__(mode)
        self._bot_id = bot_id
        self._open_ledger = open_ledger
        self._gate = gate
        self._announce = announce
        self.rate_limiter = RateLimiter(mode, bot_id, open_ledger, gate)

    @property
    def limits(self) -> Limits:
        """What each user may do; assign another ``Limits`` to change it from the next sale on."""
        return self._gate.limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._gate.limits = limits

    def set_rate_limit(self, action_type: ActionType, max_requests: int, time_window: float) -> None:
        """Allow each user ``max_requests`` of an action in any ``time_window`` seconds; see ``RateLimiter.set_limit``."""
        self.rate_limiter.set_limit(action_type, max_requests, time_window)

    @verb
    async def check_rate_limit(self, user_id: int, action_type: ActionType) -> RateCheck:
        """Count an action of your own and say whether it is within its limit; see ``RateLimiter.is_allowed``."""
        return await count_action(self._open_ledger, self._gate, self._bot_id, user_id, action_type)

    @verb
    async def block_user(self, user_id: int, duration: float | None = None, *, reason: str | None = None) -> Standing:
        """Sell nothing to a user, for ``duration`` seconds or until ``unblock_user``; the last decision is what holds.

        Invoices that the user has are declined at checkout. A payment that arrives all the same is recorded and delivered.

        Raises:
            ValidationError: ``duration`` is not above 0.
        """
        if duration is not None and (isinstance(duration, bool) or not 0 < duration <= 100 * 366 * 86_400):
            raise ValidationError("duration", duration, "seconds above 0, or None for a block that does not end")
        lasting_us = None if duration is None else int(duration * 1_000_000)
        return await self._decide(user_id, Rank.BLOCKED, lasting_us, reason)

    @verb
    async def trust_user(self, user_id: int, *, reason: str | None = None) -> Standing:
        """Let no limit apply to a user, until ``block_user`` or ``unblock_user``; this ends a block."""
        return await self._decide(user_id, Rank.TRUSTED, None, reason)

    @verb
    async def unblock_user(self, user_id: int, *, reason: str | None = None) -> Standing:
        """Treat a user like every other: neither blocked nor trusted."""
        return await self._decide(user_id, Rank.NONE, None, reason)

    @verb
    async def get_user_profile(self, user_id: int) -> UserSecurityProfile:
        """All that is known about a user."""
        return await self._profile(user_id)

    @verb
    async def get_user_risk_assessment(self, user_id: int) -> RiskAssessment:
        """What a user's standing and conduct of the last 30 days add up to."""
        profile = await self._profile(user_id)
        until, last = profile.standing.until, profile.last_activity
        return RiskAssessment(
            user_id=user_id,
            risk_score=float(profile.risk_score),
            threat_level=threat_level(profile.risk_score).value,
            is_blocked=profile.is_blocked,
            blocked_until=None if until is None else until.timestamp(),
            is_trusted=profile.trusted,
            failed_attempts=profile.failed_attempts,
            refunds=profile.refunds,
            suspicious_activities_count=len(profile.suspicious_activities),
            last_activity=None if last is None else last.timestamp(),
        )

    @verb
    async def report_suspicious_activity(
        self, /, user_id: int, event_type: str, threat_level: ThreatLevel, description: str, **metadata: JsonValue
    ) -> SecurityEvent:
        """Note something that your code has seen; it counts towards the user's risk score for 30 days.

        Raises:
            ValidationError: the description is longer than 500 characters.
        """
        if len(description) > _DESCRIPTION_CHARS:
            raise ValidationError("description", description, f"at most {_DESCRIPTION_CHARS} characters")
        level = ThreatLevel(threat_level)
        note = jsontext.dump({"event_type": event_type, "description": description, "metadata": metadata})
        ledger = await self._open_ledger()
        event = await ledger.run(
            _report, self._bot_id, user_id, level, f"{event_type}: {description}", note, new_event_id()
        )
        self._announce(event)
        return SecurityEvent(
            user_id=user_id,
            event_type=event_type,
            threat_level=level,
            description=description,
            timestamp=event.at.timestamp(),
            metadata=metadata,
        )

    @verb
    async def detect_payment_fraud(self, user_id: int, amount: int) -> tuple[bool, str]:
        """Whether a sale of ``amount`` Stars to a user would be refused now, and which rule would; nothing is counted."""
        sale = Sale(bot_id=self._bot_id, sale_id="", user_id=user_id, stage_id="", price_stars=amount)
        ledger = await self._open_ledger()
        refusal = await ledger.read(self._gate.judge, sale)
        return refusal is not None, "" if refusal is None else refusal.reason

    @verb
    async def get_security_stats(self) -> dict[str, int]:
        """How many users are blocked and trusted now, and how many entries of conduct are kept."""
        ledger = await self._open_ledger()
        return await ledger.read(_stats, self._bot_id)

    @verb
    async def cleanup_old_data(self, max_age_days: int = 30) -> int:
        """Forget conduct older than so many days, and blocks that are over; returns how many rows that were.

        Do not choose fewer days than the longest window of your limits.
        """
        if isinstance(max_age_days, bool) or max_age_days < 1:
            raise ValidationError("max_age_days", max_age_days, "days, 1 or more")
        ledger = await self._open_ledger()
        return await ledger.run(_clean_up, self._bot_id, int(max_age_days * _DAY_US))

    async def _profile(self, user_id: int) -> UserSecurityProfile:
        ledger = await self._open_ledger()
        return await ledger.read(profile_of, self._bot_id, user_id, RISK_WINDOW_US)

    async def _decide(self, user_id: int, rank: Rank, lasting_us: int | None, reason: str | None) -> Standing:
        ledger = await self._open_ledger()
        standing, event = await ledger.run(_decide, self._bot_id, user_id, rank, lasting_us, reason, new_event_id())
        self._announce(event)
        return standing


def _decide(
    transaction: Transaction,
    bot_id: int,
    user_id: int,
    rank: Rank,
    lasting_us: int | None,
    reason: str | None,
    event_id: str,
) -> tuple[Standing, Event]:
    record = UserRecord(transaction, bot_id, user_id)
    record.lock()
    now_us = record.decision().now_us
    until_us = None if lasting_us is None else now_us + lasting_us
    connection, this = transaction.connection, (standings.c.bot_id == bot_id, standings.c.user_id == user_id)
    connection.execute(sa.delete(standings).where(*this))
    if rank is not Rank.NONE:
        row = {"standing": rank.value, "until": until_us, "reason": reason, "since": now_us}
        connection.execute(sa.insert(standings).values(bot_id=bot_id, user_id=user_id, **row))
    event = _EVENTS[rank](
        bot_id=bot_id,
        event_id=event_id,
        at=moment(now_us),
        user_id=user_id,
        reason=reason,
    )
    publish(transaction, event)
    until = None if until_us is None else moment(until_us)
    return Standing(user_id=user_id, rank=rank, until=until, reason=reason, since=moment(now_us)), event


def _report(
    transaction: Transaction, bot_id: int, user_id: int, level: ThreatLevel, words: str, note: str, event_id: str
) -> Event:
    record = UserRecord(transaction, bot_id, user_id)
    now_us = record.decision().now_us
    record.note(SUSPICIOUS + level, event_id, now_us=now_us, keep_us=RISK_WINDOW_US, note=note)
    event = UserReported(
        bot_id=bot_id,
        event_id=event_id,
        at=moment(now_us),
        user_id=user_id,
        reason=words,
    )
    publish(transaction, event)
    return event


def _stats(transaction: Transaction, bot_id: int) -> dict[str, int]:
    holds = sa.or_(standings.c.until.is_(None), standings.c.until > DatabaseNow())
    ranks = (
        sa.select(standings.c.standing, sa.func.count())
        .where(standings.c.bot_id == bot_id, holds)
        .group_by(standings.c.standing)
    )
    counts = {row[0]: row[1] for row in transaction.connection.execute(ranks)}
    entries = sa.select(sa.func.count()).select_from(conduct).where(conduct.c.bot_id == bot_id)
    return {
        "blocked_users": counts.get(Rank.BLOCKED.value, 0),
        "trusted_users": counts.get(Rank.TRUSTED.value, 0),
        "security_events": int(transaction.connection.execute(entries).scalar_one()),
    }


def _clean_up(transaction: Transaction, bot_id: int, max_age_us: int) -> int:
    old = sa.delete(conduct).where(conduct.c.bot_id == bot_id, conduct.c.at < DatabaseNow() - max_age_us)
    over = sa.delete(standings).where(standings.c.bot_id == bot_id, standings.c.until <= DatabaseNow())
    return transaction.connection.execute(old).rowcount + transaction.connection.execute(over).rowcount

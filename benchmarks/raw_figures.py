"""The SQL that somebody would write over the tables of a ledger for what reports say, on SQLite and on PostgreSQL.

``:since`` and ``:until`` are the ends of a period in microseconds, ``:bot`` is the bot; days and months are those of UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_DAY: Final = 86_400_000_000
_AGE: Final = 30 * _DAY
_PAID: Final = "FROM neonpay_payments WHERE bot_id = :bot AND paid_at >= :since AND paid_at < :until"
_TOLD: Final = "FROM neonpay_events WHERE bot_id = :bot AND at >= :since AND at < :until"
_MONTH: Final = {
    "sqlite": "strftime('%Y-%m', {at} / 1000000, 'unixepoch')",
    "postgresql": "to_char(to_timestamp({at} / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM')",
}

_PERIODS: Final = f"""
WITH RECURSIVE periods AS (
    SELECT p.user_id, p.stage_id, p.amount_stars AS stars, p.paid_at AS starts, s.state AS told,
        CASE WHEN r.finished_at < p.subscription_expires_at THEN r.finished_at ELSE p.subscription_expires_at END AS ends
    FROM neonpay_payments p
    LEFT JOIN neonpay_refunds r ON r.bot_id = p.bot_id AND r.charge_id = p.charge_id AND r.state = 'refunded'
    LEFT JOIN neonpay_subscriptions s ON s.bot_id = p.bot_id AND s.user_id = p.user_id AND s.invoice_id = p.invoice_id
        AND s.changed_at >= p.recorded_at AND s.changed_at <= p.subscription_expires_at + {_DAY}
    WHERE p.bot_id = :bot AND p.currency = 'XTR' AND p.state IN ('accepted', 'refunded')
        AND p.subscription_expires_at > :since AND p.paid_at <= :until
), ranked AS (
    SELECT periods.*, row_number() OVER (PARTITION BY user_id, stage_id ORDER BY ends DESC, starts DESC) AS place
    FROM periods WHERE starts <= :until AND ends > :until
), in_force AS (SELECT * FROM ranked WHERE place = 1)
"""
"""Paid periods of subscriptions from their payment to their end or refund, and those in force at the end of a period."""

_PLANS: Final = f"""{_PERIODS}
SELECT stage_id, count(*), sum(stars), sum(CASE WHEN told IN ('canceled', 'failed') THEN 0 ELSE 1 END)
FROM in_force GROUP BY stage_id
"""
_FORECAST: Final = f"""{_PERIODS}
SELECT ends / {_DAY}, count(*), sum(stars) FROM in_force WHERE told IS NULL OR told NOT IN ('canceled', 'failed') GROUP BY 1
"""
_MOVED: Final = f"""{_PERIODS}, days AS (
    SELECT CAST(:since AS BIGINT) AS starts, CAST(:since AS BIGINT) + {_DAY} AS ends
    UNION ALL SELECT ends, ends + {_DAY} FROM days WHERE ends < :until
), changed AS (
    SELECT user_id, (starts - :since - 1) / {_DAY} AS day FROM periods WHERE starts > :since AND starts <= :until
    UNION SELECT user_id, (ends - :since - 1) / {_DAY} FROM periods WHERE ends > :since AND ends <= :until
), edges AS (
    SELECT c.user_id, d.starts, d.ends, side, CASE WHEN side = 0 THEN d.starts ELSE d.ends END AS at
    FROM changed c JOIN days d ON d.starts = :since + c.day * {_DAY}
    CROSS JOIN (SELECT 0 AS side UNION ALL SELECT 1) AS sides
), standing AS (
    SELECT e.user_id, e.starts, e.ends, e.side, p.stars,
        row_number() OVER (PARTITION BY e.user_id, e.at, e.side, p.stage_id ORDER BY p.ends DESC, p.starts DESC) AS place
    FROM edges e JOIN periods p ON p.user_id = e.user_id AND p.starts <= e.at AND p.ends > e.at
), sides AS (
    SELECT user_id, starts, ends, sum(CASE WHEN side = 0 THEN stars ELSE 0 END) AS was,
        sum(CASE WHEN side = 1 THEN stars ELSE 0 END) AS is_now
    FROM standing WHERE place = 1 GROUP BY user_id, starts, ends
), ended AS (
    SELECT m.user_id, m.starts, p.told,
        row_number() OVER (PARTITION BY m.user_id, m.starts ORDER BY p.ends DESC, p.starts DESC) AS place
    FROM sides m JOIN periods p ON p.user_id = m.user_id AND p.ends <= m.ends WHERE m.is_now = 0
), moved AS (
    SELECT sides.*, ended.told,
        CASE WHEN was = 0 AND (SELECT min(f.paid_at) FROM neonpay_payments f WHERE f.bot_id = :bot
            AND f.user_id = sides.user_id AND f.currency = 'XTR' AND f.state IN ('accepted', 'refunded')
            AND f.subscription_expires_at IS NOT NULL) > sides.starts THEN 1 ELSE 0 END AS is_first
    FROM sides LEFT JOIN ended ON ended.user_id = sides.user_id AND ended.starts = sides.starts AND ended.place = 1
    WHERE was <> is_now
), named AS (
    SELECT (starts - :since) / {_DAY} AS day, abs(is_now - was) AS stars, CASE
        WHEN was = 0 AND is_first = 1 THEN 'new' WHEN was = 0 THEN 'returned'
        WHEN is_now = 0 AND told = 'canceled' THEN 'voluntary_churn'
        WHEN is_now = 0 AND told = 'failed' THEN 'involuntary_churn'
        WHEN is_now = 0 THEN 'untold_churn' WHEN is_now > was THEN 'expansion' ELSE 'contraction' END AS kind
    FROM moved
)
SELECT day, kind, count(*), sum(stars) FROM named GROUP BY day, kind
"""

_BUYERS: Final = """
WITH buyers AS (
    SELECT p.user_id, min(paid_at) AS first, max(paid_at) AS last, sum(p.amount_stars - coalesce(r.amount_stars, 0)) AS net,
        sum(CASE WHEN paid_at >= :since THEN p.amount_stars - coalesce(r.amount_stars, 0) ELSE 0 END) AS net_in_period
    FROM neonpay_payments p
    LEFT JOIN neonpay_refunds r ON r.bot_id = p.bot_id AND r.charge_id = p.charge_id AND r.state = 'refunded'
    WHERE p.bot_id = :bot AND currency = 'XTR' AND paid_at < :until GROUP BY p.user_id
)
SELECT count(*), sum(CASE WHEN last >= :since THEN 1 ELSE 0 END), sum(CASE WHEN first >= :since THEN 1 ELSE 0 END),
    sum(net), sum(net_in_period) FROM buyers
"""
_SEEN: Final = """
SELECT count(*), sum(CASE WHEN first_seen >= :since THEN 1 ELSE 0 END), sum(CASE WHEN first_seen >= :since AND EXISTS (
    SELECT 1 FROM neonpay_payments p WHERE p.bot_id = people.bot_id AND p.user_id = people.user_id
    AND p.currency = 'XTR' AND p.paid_at < :until) THEN 1 ELSE 0 END)
FROM neonpay_people people WHERE bot_id = :bot AND first_seen < :until
"""
_COHORTS: Final = f"""
WITH firsts AS (
    SELECT user_id, min(paid_at) AS first FROM neonpay_payments
    WHERE bot_id = :bot AND currency = 'XTR' AND paid_at < :until GROUP BY user_id
)
SELECT {{month}}, (p.paid_at - f.first) / {_AGE}, count(DISTINCT p.user_id), sum(p.amount_stars - coalesce(r.amount_stars, 0))
FROM firsts f JOIN neonpay_payments p ON p.bot_id = :bot AND p.user_id = f.user_id
    AND p.currency = 'XTR' AND p.paid_at < :until
LEFT JOIN neonpay_refunds r ON r.bot_id = p.bot_id AND r.charge_id = p.charge_id AND r.state = 'refunded'
WHERE f.first >= :until - 365 * {_DAY} GROUP BY 1, 2
"""

_RAW: Final[Mapping[str, tuple[str, ...]]] = {
    "revenue by day": (
        f"SELECT paid_at / {_DAY}, is_recurring, count(*), sum(amount_stars) {_PAID} GROUP BY 1, 2",
        f"SELECT r.finished_at / {_DAY}, count(*), sum(r.amount_stars) FROM neonpay_refunds r WHERE r.bot_id = :bot "
        "AND r.state = 'refunded' AND r.finished_at >= :since AND r.finished_at < :until GROUP BY 1",
    ),
    "orders": (
        f"SELECT count(*), sum(amount_stars), count(DISTINCT user_id) {_PAID}",
        f"SELECT amount_stars, count(*) {_PAID} GROUP BY 1",
    ),
    "funnel": (f"SELECT name, reason, count(*) {_TOLD} GROUP BY 1, 2",),
    "products": (
        f"SELECT stage_id, state, count(*), sum(amount_stars), count(DISTINCT user_id) {_PAID} GROUP BY 1, 2",
    ),
    "subscriptions": (_PLANS, _MOVED, _FORECAST),
    "customers": (_BUYERS, _SEEN, _COHORTS),
}


def raw_statements(report: str, dialect: str) -> tuple[str, ...] | None:
    """What somebody would write for the figures of a report; None where nobody has written it."""
    month = _MONTH[dialect].format(at="f.first")
    statements = _RAW.get(report)
    return None if statements is None else tuple(one.replace("{month}", month) for one in statements)

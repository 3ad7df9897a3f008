"""What the ledger holds about a user: the seller's decision, and what the user did that a limit counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from neonpay.core.limits import CURRENCY
from neonpay.core.payments import PaymentState, RefundState
from neonpay.ledger import Insert, Statement, Transaction
from neonpay.ledger.key_locks import ALONE
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import payments, refund_requests, refunds
from neonpay.ledger.tables_security import conduct, standings
from neonpay.security.facts import Rank
from neonpay.security.limits import Rate

DECLINED = "declined"
"""A suspicious checkout that was declined."""
SUSPICIOUS = "suspicious:"
"""Something that the program has reported; the threat level follows."""
PAYING_US = 60_000_000
"""How long an approved checkout counts as being paid. Telegram takes the Stars within seconds, or not at all."""


def _bind(name: str) -> sa.BindParameter[int]:
    return sa.bindparam(name, type_=sa.BigInteger)


_ONE = sa.select(sa.literal_column("1").label("one")).subquery()
_STANDING = Statement(
    sa.select(DatabaseNow(), standings.c.standing, standings.c.until).select_from(
        _ONE.outerjoin(standings, sa.and_(standings.c.bot_id == _bind("b"), standings.c.user_id == _bind("u")))
    ),
    "b",
    "u",
)
_CONDUCT = (conduct.c.bot_id == _bind("b"), conduct.c.user_id == _bind("u"), conduct.c.kind == sa.bindparam("k"))
_FULL_SINCE = Statement(
    sa.select(conduct.c.at)
    .where(*_CONDUCT, conduct.c.at > _bind("after"), conduct.c.at <= _bind("now"))
    .order_by(conduct.c.at.desc())
    .limit(1)
    .offset(_bind("skip")),
    *("b", "u", "k", "after", "now", "skip"),
)
_COUNT = Statement(
    sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(conduct.c.amount_stars), 0)).where(
        *_CONDUCT, conduct.c.at > _bind("after"), conduct.c.at <= _bind("now")
    ),
    *("b", "u", "k", "after", "now"),
)
_NOTE = Insert(conduct, "bot_id", "user_id", "kind", "at", "entry_id", "amount_stars", "note")
_HAS = Statement(
    sa.select(conduct.c.at).where(*_CONDUCT, conduct.c.entry_id == sa.bindparam("e")), *("b", "u", "k", "e")
)
_PRUNE = Statement(sa.delete(conduct).where(*_CONDUCT, conduct.c.at <= _bind("until")), *("b", "u", "k", "until"))
_FORGET = Statement(sa.delete(conduct).where(*_CONDUCT, conduct.c.entry_id == sa.bindparam("e")), *("b", "u", "k", "e"))
_SPENT = Statement(
    sa.select(
        sa.func.coalesce(sa.func.sum(payments.c.amount_stars), 0),
        sa.func.coalesce(
            sa.func.sum(
                sa.case(
                    (
                        sa.and_(
                            payments.c.paid_at > _bind("paying"),
                            sa.or_(payments.c.is_recurring == 0, payments.c.is_first_recurring == 1),
                        ),
                        payments.c.amount_stars,
                    ),
                    else_=0,
                )
            ),
            0,
        ),
    ).where(
        payments.c.bot_id == _bind("b"),
        payments.c.user_id == _bind("u"),
        payments.c.paid_at > _bind("after"),
        payments.c.currency == CURRENCY,
        payments.c.state != PaymentState.REFUNDED.value,
    ),
    *("b", "u", "after", "paying"),
)
_REFUNDS = Statement(
    sa.select(sa.func.count())
    .select_from(
        payments.join(
            refunds, sa.and_(refunds.c.bot_id == payments.c.bot_id, refunds.c.charge_id == payments.c.charge_id)
        ).outerjoin(
            refund_requests,
            sa.and_(refund_requests.c.bot_id == payments.c.bot_id, refund_requests.c.charge_id == payments.c.charge_id),
        )
    )
    .where(
        payments.c.bot_id == _bind("b"),
        payments.c.user_id == _bind("u"),
        refunds.c.state == RefundState.REFUNDED.value,
        refunds.c.finished_at > _bind("after"),
        # What the seller gave back without being asked is no fault of the buyer's.
        sa.or_(
            refund_requests.c.request_id.is_not(None),
            sa.and_(refunds.c.requested_by.is_(None), refunds.c.reason.is_(None)),
        ),
    ),
    *("b", "u", "after"),
)


class Decision(NamedTuple):
    """The seller's decision about a user at a moment.

    Attributes:
        now_us: the database's time.
        until_us: when the block ends by itself.
    """

    now_us: int
    rank: Rank
    until_us: int | None


class UserRecord:
    """What the ledger holds about one user, inside one transaction."""

    def __init__(self, transaction: Transaction, bot_id: int, user_id: int) -> None:
        self._transaction = transaction
        self._key = (bot_id, user_id)

    def decision(self) -> Decision:
        """What holds now; a block whose time is over is none."""
        row = self._transaction.row(_STANDING, *self._key)
        assert row is not None, "the query has one row whether there is a standing or not"
        now_us, rank, until_us = row
        if rank is None or (until_us is not None and until_us <= now_us):
            return Decision(now_us, Rank.NONE, None)
        return Decision(now_us, Rank(rank), until_us)

    def lock(self) -> None:
        """Let no other transaction count this user's conduct until this one ends."""
        self._transaction.rows(ALONE, f"neonpay:conduct:{self._key[0]}:{self._key[1]}")

    def wait_us(self, kind: str, rate: Rate, now_us: int) -> int | None:
        """Microseconds until one more is allowed, or None when it is allowed now."""
        row = self._transaction.row(_FULL_SINCE, *self._key, kind, now_us - rate.window_us, now_us, rate.most - 1)
        return None if row is None else row[0] + rate.window_us - now_us

    def count(self, kind: str, window_us: int, now_us: int) -> int:
        """How often in the window that ends now."""
        return self._counted(kind, window_us, now_us)[0]

    def note(
        self, kind: str, entry_id: str, *, now_us: int, keep_us: int, amount_stars: int = 0, note: str | None = None
    ) -> None:
        """Write that it happened, and forget what happened longer than ``keep_us`` ago."""
        self._transaction.execute(_PRUNE, *self._key, kind, now_us - keep_us)
        self._transaction.insert(_NOTE, (*self._key, kind, now_us, entry_id, amount_stars, note))

    def has(self, kind: str, entry_id: str) -> bool:
        """Whether it is written that it happened."""
        return self._transaction.row(_HAS, *self._key, kind, entry_id) is not None

    def forget(self, kind: str, entry_id: str) -> None:
        """It did not happen after all."""
        self._transaction.execute(_FORGET, *self._key, kind, entry_id)

    def forget_all(self, kinds: Sequence[str]) -> int:
        """Nothing of these kinds has happened; returns how much there was."""
        bot_id, user_id = self._key
        where = (conduct.c.bot_id == bot_id, conduct.c.user_id == user_id, conduct.c.kind.in_(kinds))
        return self._transaction.connection.execute(sa.delete(conduct).where(*where)).rowcount

    def spent_stars(self, paying_kind: str, window_us: int, now_us: int) -> int:
        """Stars paid in the window and not refunded, and those of checkouts that are being paid."""
        row = self._transaction.row(_SPENT, *self._key, now_us - window_us, now_us - PAYING_US)
        assert row is not None, "a sum has one row"
        paid, just_paid = int(row[0]), int(row[1])
        approved = self._counted(paying_kind, PAYING_US, now_us)[1]
        return paid + max(0, approved - just_paid)

    def refunds(self, window_us: int, now_us: int) -> int:
        """Refunds that the buyer asked for, or that were made without this program."""
        row = self._transaction.row(_REFUNDS, *self._key, now_us - window_us)
        assert row is not None, "a count has one row"
        return int(row[0])

    def _counted(self, kind: str, window_us: int, now_us: int) -> tuple[int, int]:
        row = self._transaction.row(_COUNT, *self._key, kind, now_us - window_us, now_us)
        assert row is not None, "a count has one row"
        return int(row[0]), int(row[1])

"""How far the walk through Telegram's list has come, and what it has counted on the way; kept with the periodic task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from neonpay.core import jsontext
from neonpay.core.transactions import StarTransaction
from neonpay.store.periodic import Turn

MOST_LEFT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What is true of the rows before ``position``.

    Attributes:
        position: rows of the list that are dealt with; the next row is read again in every turn until it is old enough.
        nanostars: what they add up to.
        last_key: key of the last of them, by which a list that was changed is noticed.
        pending: withdrawals among them that have not ended, place in the list by key.
        left: rows among them that were stepped over, place in the list by key; at most so many as ``MOST_LEFT``.
        left_more: whether more were; when those in ``left`` are dealt with, the list is read from its start again.
        ahead: rows up to which refunds of charges that were not recorded yet have been kept.
        drift: how many nanostars the balance was above the list when they were last compared.
        examined: number of the event up to which payments were looked for in the list.
        balance: the balance in nanostars when the list was last read to its end; None before that.
        compared_us: when that was, in microseconds since the epoch.
    """

    position: int = 0
    nanostars: int = 0
    last_key: str = ""
    pending: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    left_more: bool = False
    ahead: int = 0
    drift: int = 0
    examined: int = 0
    balance: int | None = None
    compared_us: int = 0

    @classmethod
    def of(cls, turn: Turn) -> Tally:
        """The tally that the last turn has left."""
        return cls.read(turn.position, turn.memo)

    @classmethod
    def read(cls, position: int, text: str) -> Tally:
        """The tally of a position and a memo."""
        memo = jsontext.load_object(text or "{}")
        balance = memo.get("balance")
        return cls(
            position=position,
            nanostars=int(cast("int", memo.get("nanostars", 0))),
            last_key=str(memo.get("last_key", "")),
            pending=dict(cast("dict[str, int]", memo.get("pending", {}))),
            left=dict(cast("dict[str, int]", memo.get("left", {}))),
            left_more=bool(memo.get("left_more", False)),
            ahead=int(cast("int", memo.get("ahead", 0))),
            drift=int(cast("int", memo.get("drift", 0))),
            examined=int(cast("int", memo.get("examined", 0))),
            balance=None if balance is None else int(cast("int", balance)),
            compared_us=int(cast("int", memo.get("compared_us", 0))),
        )

    @property
    def memo(self) -> str:
        """The text that ``of`` reads."""
        return jsontext.dump(
            {
                "nanostars": self.nanostars,
                "last_key": self.last_key,
                "pending": self.pending,
                "left": self.left,
                "left_more": self.left_more,
                "ahead": self.ahead,
                "drift": self.drift,
                "examined": self.examined,
                "balance": self.balance,
                "compared_us": self.compared_us,
            }
        )

    def afresh(self) -> Tally:
        """The tally before the first row; what was counted is counted again, and nothing is written twice."""
        return Tally(drift=self.drift, examined=self.examined, balance=self.balance, compared_us=self.compared_us)

    def follows(self, offset: int, rows: Sequence[StarTransaction | None]) -> bool:
        """Whether rows of the list from ``offset`` on are the list that was read before."""
        last = self.position - 1 - offset
        if last < 0:
            return True
        return last < len(rows) and key_of(rows[last]) == self.last_key

    def past(self, offset: int, rows: Sequence[StarTransaction | None]) -> Tally:
        """The tally after rows from ``offset`` on, those that it has counted already among them."""
        new = list(enumerate(rows, offset))[max(0, self.position - offset) :]
        pending = dict(self.pending)
        for place, row in new:
            if row is not None and row.is_pending:
                pending[row.key] = place
        return replace(
            self,
            position=max(self.position, offset + len(rows)),
            nanostars=self.nanostars + sum(row.effect for _, row in new if row is not None),
            last_key=key_of(new[-1][1]) if new else self.last_key,
            pending=pending,
        )

    def leaving(self, key: str, place: int) -> Tally:
        """The tally with a row that was stepped over."""
        if key in self.left:
            return self
        if len(self.left) >= MOST_LEFT:
            return replace(self, left_more=True)
        return replace(self, left={**self.left, key: place})

    def taking_up(self) -> Tally:
        """The tally when the rows that were stepped over are looked at again."""
        return replace(self, left={})

    def ended(self, withdrawal: StarTransaction) -> Tally:
        """The tally when a withdrawal that was counted as pending has ended."""
        pending = {key: place for key, place in self.pending.items() if key != withdrawal.key}
        counted = -withdrawal.nanostars
        return replace(self, pending=pending, nanostars=self.nanostars + withdrawal.effect - counted)


def key_of(row: StarTransaction | None) -> str:
    """The key of a row, or what stands for it when the row cannot be read."""
    return "?" if row is None else row.key

"""What a report is about: which bots of the ledger, and which stages."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from neonpay.core.text import fit
from neonpay.errors import ValidationError

_ID_MAX_CHARS: Final = 1_000


class Split(enum.StrEnum):
    """By what revenue is taken apart.

    Attributes:
        STAGE: by what was sold.
        PLAN: by what was sold, subscriptions alone.
        BOT: by the bot that sold it.
        LANGUAGE: by the language that the buyer's Telegram had when they paid. A payment of which it is not known, such as one
            of Telegram's list, counts under the language that its buyer was seen with when it was rolled up.
        SOURCE: by where the buyer came from first, the parameter of their first ``/start``, as far as ``Tracking`` has heard
            it.
    """

    STAGE = "stage"
    PLAN = "plan"
    BOT = "bot"
    LANGUAGE = "language"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which bots of the ledger, and which of their stages.

    Attributes:
        bot_ids: at least one.
        stage_ids: None for all, and for what no stage is known of.

    Raises:
        ValidationError: no bot is named.
    """

    bot_ids: tuple[int, ...]
    stage_ids: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not self.bot_ids:
            raise ValidationError(
                "bots", self.bot_ids, "at least one bot id; neonpay doctor shows which bots the ledger has"
            )

    @classmethod
    def of(cls, bots: Sequence[int], stages: Sequence[str] | None = None) -> Scope:
        """The scope of these bots and stages, each once; an id that no database can have is one of nothing."""
        stage_ids = None if stages is None else tuple(dict.fromkeys(fit(one, _ID_MAX_CHARS) for one in stages))
        return cls(tuple(dict.fromkeys(bots)), stage_ids)

    def has(
        self, bot_id: sa.ColumnElement[int], stage_id: sa.ColumnElement[str] | None = None
    ) -> sa.ColumnElement[bool]:
        """Whether a row is about it."""
        # Constants of the statement and no list that is filled in when it runs, so that a statement can be kept.
        is_its = bot_id.in_([sa.literal(one, sa.BigInteger) for one in self.bot_ids])
        if self.stage_ids is None or stage_id is None:
            return is_its
        if not self.stage_ids:
            return sa.false()
        return sa.and_(is_its, stage_id.in_([sa.literal(one, sa.Text) for one in self.stage_ids]))

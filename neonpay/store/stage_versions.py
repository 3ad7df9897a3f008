"""Versions of stages in the ledger: an invoice points at the version that it quoted, for ever."""

from __future__ import annotations

import sqlalchemy as sa

from neonpay.core.stages import PaymentStage
from neonpay.ledger import Insert, Statement, Transaction
from neonpay.ledger.tables import stages

_BY_DIGEST = Statement(
    sa.select(stages.c.version).where(
        stages.c.bot_id == sa.bindparam("bot_id"),
        stages.c.stage_id == sa.bindparam("stage_id"),
        stages.c.digest == sa.bindparam("digest"),
    ),
    "bot_id",
    "stage_id",
    "digest",
)
_NEWEST = Statement(
    sa.select(sa.func.max(stages.c.version)).where(
        stages.c.bot_id == sa.bindparam("bot_id"), stages.c.stage_id == sa.bindparam("stage_id")
    ),
    "bot_id",
    "stage_id",
)
_CONTENT = Statement(
    sa.select(stages.c.content).where(
        stages.c.bot_id == sa.bindparam("bot_id"),
        stages.c.stage_id == sa.bindparam("stage_id"),
        stages.c.version == sa.bindparam("version"),
    ),
    "bot_id",
    "stage_id",
    "version",
)
_INSERT = Insert(stages, "bot_id", "stage_id", "version", "digest", "content", "created_at")


class Catalogue:
    """The versions of one bot's stages; what was read once is remembered, because a version never changes."""

    def __init__(self, bot_id: int) -> None:
        self._bot_id = bot_id
        self._content: dict[tuple[str, int], PaymentStage] = {}

    def version_of(self, transaction: Transaction, stage_id: str, stage: PaymentStage, now_us: int) -> int:
        """The version that has exactly this content; a new one is written when there is none."""
        while True:
            found = transaction.row(_BY_DIGEST, self._bot_id, stage_id, stage.digest)
            if found is not None:
                return int(found[0])
            newest = transaction.row(_NEWEST, self._bot_id, stage_id)
            version = 1 + int((newest and newest[0]) or 0)
            # Another worker may write this number first, with this content or another; then look again.
            transaction.insert(_INSERT, (self._bot_id, stage_id, version, stage.digest, stage.to_json(), now_us))

    def stage(self, transaction: Transaction, stage_id: str, version: int) -> PaymentStage:
        """The content of a version."""
        known = self._content.get((stage_id, version))
        if known is None:
            row = transaction.row(_CONTENT, self._bot_id, stage_id, version)
            assert row is not None, "an invoice points at a version that was never written"
            known = self._content[stage_id, version] = PaymentStage.from_json(str(row[0]))
        return known

"""What stages are called."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

import sqlalchemy as sa

from neonpay.analytics.scope import Scope
from neonpay.core import jsontext
from neonpay.ledger import Statement, Transaction
from neonpay.ledger.tables import stages


def titles(transaction: Transaction, scope: Scope) -> dict[str, str]:
    """The title of the newest version of each stage of these bots, by its id."""
    found = transaction.rows(_newest(scope))
    return {
        str(stage_id): str(cast("str", jsontext.load_object(content).get("title", ""))) for stage_id, content in found
    }


@lru_cache(100)
def _newest(scope: Scope) -> Statement:
    return Statement(lambda _: _select(scope))


def _select(scope: Scope) -> sa.Select[Any]:
    newest = (
        sa.select(stages.c.bot_id, stages.c.stage_id, sa.func.max(stages.c.version).label("version"))
        .where(scope.has(stages.c.bot_id, stages.c.stage_id))
        .group_by(stages.c.bot_id, stages.c.stage_id)
        .subquery()
    )
    is_it = sa.and_(
        stages.c.bot_id == newest.c.bot_id, stages.c.stage_id == newest.c.stage_id, stages.c.version == newest.c.version
    )
    return sa.select(stages.c.stage_id, stages.c.content).join(newest, is_it).order_by(stages.c.bot_id.desc())

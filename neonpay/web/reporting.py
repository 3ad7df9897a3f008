"""What pages with figures have in common: which time the address is about, and reports that tell a blind reader so."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from neonpay.analytics import Bucket, Period, Scope
from neonpay.analytics.behind import HowFar, how_far
from neonpay.core.clock import moment
from neonpay.core.text import error_words
from neonpay.errors import LedgerError, LedgerTimeoutError
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.web.counting import COUNTING
from neonpay.web.pace import give_way
from neonpay.web.reading import BlindError, patience_s, read
from neonpay.web.rendering import speech
from neonpay.web.scope import scope_of
from neonpay.web.shops import bots_in_scope, shops

if TYPE_CHECKING:
    from aiohttp import web

    from neonpay.analytics.namespace import Reports
    from neonpay.core.namespaces import Awaiting
    from neonpay.ledger import Transaction
    from neonpay.web.speech import Speech

logger = logging.getLogger("neonpay.web")

T = TypeVar("T")

BUCKETS: Final = {"24h": Bucket.HOUR, "7d": Bucket.DAY, "30d": Bucket.DAY, "90d": Bucket.DAY, "365d": Bucket.WEEK}
"""By what a period is drawn when nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page with figures is asked for.

    Attributes:
        name: of the period, one of ``scope.PERIODS``.
        now: by the clock of the database.
    """

    w: Speech
    bots: list[int]
    name: str
    period: Period
    now: datetime
    reports: Reports[Awaiting]

    @property
    def by(self) -> Bucket:
        """The bucket of the period."""
        return BUCKETS[self.name]


async def asked(request: web.Request, *tasks: str) -> Asked:
    """What the address asks for.

    Args:
        tasks: which tasks fill what its reports read; that of the rollups when left out.

    Raises:
        aiohttp.web.HTTPNotFound: it names a bot that these pages are not about.
        StillCountingError: the ledger has much that is not counted yet; the reader gets the page that says how much.
        BlindError: the ledger does not answer.
    """
    w, bots, name = speech(request), bots_in_scope(request), scope_of(request).period
    now_us, come = await read(request, _now_and_counted, Scope.of(bots), tasks)
    request.config_dict[COUNTING].look_at(come)
    now = moment(now_us)
    return Asked(
        w,
        bots,
        name,
        Period.named(name, now=now, zone=w.zone),
        now,
        shops(request).each[0].reports.within(patience_s(request)),
    )


async def told(report: Callable[[], Awaitable[T]]) -> T:
    """What a report says; one of ``Asked.reports``, which are given as long as a page waits.

    Raises:
        BlindError: it did not come in time, or the ledger cannot be read; the reader gets the page that says so.
    """
    await give_way()
    try:
        return await report()
    except LedgerTimeoutError as exc:
        logger.warning("a report did not come within %g s", exc.limit_s)
        raise BlindError(exc.limit_s) from None
    except LedgerError as exc:
        logger.warning("the ledger cannot be read for a report: %s", error_words(exc))
        raise BlindError(None) from exc
    except DBAPIError as exc:
        logger.exception("the ledger cannot be read for a report")
        raise BlindError(None) from exc


def _now_and_counted(transaction: Transaction, scope: Scope, tasks: Sequence[str]) -> tuple[int, HowFar]:
    now_us = int(transaction.connection.execute(sa.select(DatabaseNow())).scalar_one())
    return now_us, how_far(transaction, scope, *tasks)

"""How the reader wants revenue shown, as the address says it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from neonpay.analytics import Bucket, Split
from neonpay.web.charts import fits
from neonpay.web.reporting import BUCKETS

if TYPE_CHECKING:
    from aiohttp import web

BYS: Final = (Bucket.HOUR, Bucket.DAY, Bucket.WEEK, Bucket.MONTH)
SPLITS: Final = (Split.STAGE, Split.PLAN, Split.BOT, Split.LANGUAGE, Split.SOURCE)
DAYS: Final = ("payment", "refund")
"""On which day a refund counts."""
_SERIES: Final = 2
"""One-off and subscriptions; buckets in which something went back are few, or the reader gets a coarser one still."""
_PARTS: Final = 4
_HOURS: Final = {"24h": 24, "7d": 168, "30d": 720, "90d": 2160, "365d": 8760}
_PER_BUCKET_H: Final = {Bucket.HOUR: 1, Bucket.DAY: 24, Bucket.WEEK: 168, Bucket.MONTH: 720}


@dataclass(frozen=True, slots=True)
class Choice:
    """What is shown.

    Attributes:
        wanted: the bucket that the reader has chosen.
        by: the bucket that is drawn: a coarser one where that would have too many marks.
        on: one of ``DAYS``.
    """

    wanted: Bucket
    by: Bucket
    split: Split | None
    on: str

    @property
    def is_coarser(self) -> bool:
        """Whether the reader gets another bucket than was chosen."""
        return self.wanted is not self.by

    def coarser(self) -> Choice:
        """The same by the next larger bucket; by months it stays as it is."""
        return replace(self, by=BYS[min(BYS.index(self.by) + 1, len(BYS) - 1)])


def choice_of(request: web.Request, period: str) -> Choice:
    """What the address says; what makes no sense in it counts as left out."""
    query = request.query
    wanted = next((by for by in BYS if by.value == query.get("by")), BUCKETS[period])
    split = next((split for split in SPLITS if split.value == query.get("split")), None)
    on = next((day for day in DAYS if day == query.get("on")), DAYS[0])
    return Choice(
        wanted, _drawn(wanted, period, _SERIES if split is None else _PARTS), split, on if split is None else DAYS[0]
    )


def _drawn(wanted: Bucket, period: str, series: int) -> Bucket:
    coarser = BYS[BYS.index(wanted) :]
    return next((by for by in coarser if fits(_HOURS[period] // _PER_BUCKET_H[by] + 1, series)), BYS[-1])

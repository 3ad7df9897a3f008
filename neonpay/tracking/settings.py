"""``[tracking]``: how long soft events are kept."""

from __future__ import annotations

from typing import Annotated

import msgspec

from neonpay.settings import Section

KEEP_DAYS = 400
"""A year, and the month of the year before to compare with."""


class TrackingSettings(Section, frozen=True, kw_only=True):
    """How long soft events are kept, in days; events of a kind that ``keep_days_of`` names have their own number."""

    keep_days: Annotated[int, msgspec.Meta(ge=1)] = KEEP_DAYS
    keep_days_of: dict[str, Annotated[int, msgspec.Meta(ge=1)]] = msgspec.field(default_factory=dict)

"""``[monitoring]``: who may read the metrics, and from when on a shop counts as not ready."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from neonpay.settings import Secret, Section

DEAD_LETTERS_MAX: Final = 10
RECONCILE_AGE_MAX_S: Final = 3600.0
CACHE_S: Final = 5.0


class MonitoringSettings(Section, frozen=True, kw_only=True):
    """What ``/metrics`` and ``/readyz`` go by.

    Attributes:
        token: with which others than this machine read the metrics, ``Authorization: Bearer …``; without it nobody else does.
        dead_letters_max: so many jobs of a bot may have failed for the last time before it is not ready; None for any number.
        reconcile_age_max_s: so long ago the last comparison with Telegram may have been; None for ever. A bot that was never
            compared is ready.
        cache_s: for so long what was read from the ledger is given again.
    """

    token: Secret | None = None
    dead_letters_max: Annotated[int, msgspec.Meta(ge=0)] | None = DEAD_LETTERS_MAX
    reconcile_age_max_s: Annotated[float, msgspec.Meta(gt=0)] | None = RECONCILE_AGE_MAX_S
    cache_s: Annotated[float, msgspec.Meta(ge=0)] = CACHE_S

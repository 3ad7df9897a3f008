"""``[alerts]``: what ``enable_alerts`` is not told by the program."""

from __future__ import annotations

from typing import Annotated

import msgspec

from neonpay.settings import Section


class AlertSettings(Section, frozen=True, kw_only=True):
    """What owners are told; ``enable_alerts`` tells what each of them does."""

    admins: tuple[Annotated[int, msgspec.Meta(ge=1)], ...] = ()
    sales: bool = False
    declined: bool = False
    daily: str | None = None
    weekly: str | None = None
    zone: str = "UTC"
    quiet: str | None = None
    language: str = "en"
    dashboard_url: str | None = None
    texts: dict[str, str] = msgspec.field(default_factory=dict)

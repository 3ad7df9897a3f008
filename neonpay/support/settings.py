"""``[support]``: what ``enable_support`` is not told by the program."""

from __future__ import annotations

from typing import Annotated

import msgspec

from neonpay.settings import Section


class SupportSettings(Section, frozen=True, kw_only=True):
    """How a shop supports its buyers; ``enable_support`` tells what each of them does."""

    admins: tuple[Annotated[int, msgspec.Meta(ge=1)], ...] = ()
    terms: str | dict[str, str] | None = None
    contact: str | dict[str, str] | None = None
    admin_language: str = "en"

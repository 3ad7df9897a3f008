"""Currencies beside Stars: what is known of their amounts, and how an amount is written for people to read.

``amount`` is in the smallest unit of the currency, as in the Bot API: US$ 1.45 is 145. Sources as in ``core/limits.py``, and:

* TDESK: https://github.com/telegramdesktop/tdesktop, ``ui/text/format_values.cpp``, LookupCurrencyRule (read 2026-11-28)

Telegram's bounds for each currency are in its currencies.json, which was not at hand. UNVERIFIED: here every currency takes
1 to 99,999,999 of its smallest unit, and every code of three capital letters is a currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from neonpay.core.limits import CURRENCY

AMOUNT_MAX: Final = 99_999_999
"""Most that an invoice in another currency than Stars may ask for here, in its smallest unit."""
_CODE_CHARS: Final = 3
_DIGITS: Final = 2
_OTHER_DIGITS: Final[Mapping[str, int]] = MappingProxyType(
    dict.fromkeys(("BYR", "CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND"), 0) | dict.fromkeys(("BHD", "IQD"), 3)
)
"""Digits after the point where they are not two (TDESK)."""


def is_code(currency: str) -> bool:
    """Whether it has the shape of an ISO 4217 code."""
    return len(currency) == _CODE_CHARS and currency.isascii() and currency.isalpha() and currency.isupper()


def stars_of(amount: int, currency: str) -> int:
    """How many Stars a price is: none in another currency."""
    return amount if currency == CURRENCY else 0


def words(amount: int, currency: str) -> str:
    """A price as people read it: ``⭐50``, ``USD 1.45``, ``JPY 500``."""
    if currency == CURRENCY:
        return f"⭐{amount}"
    digits = _OTHER_DIGITS.get(currency, _DIGITS)
    if not digits:
        return f"{currency} {amount}"
    whole, rest = divmod(amount, 10**digits)
    return f"{currency} {whole}.{rest:0{digits}}"


def price_as_json(amount: int, currency: str) -> dict[str, object]:
    """A price as the control API and the page have it; ``amount_stars`` is 0 in another currency than Stars."""
    return {
        "amount_stars": stars_of(amount, currency),
        "amount": amount,
        "currency": currency,
        "price": words(amount, currency),
    }

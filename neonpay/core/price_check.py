"""Where a price is compared: what Telegram asks or has charged, with what was offered, by checkouts and recording alike.

The price that a payload was signed with is held against the invoice's before, by ``core.checkout``.
"""

from __future__ import annotations

from typing import Literal

from neonpay.core.limits import CURRENCY


def mismatch(
    *, currency: str, amount: int, user_id: int, price_stars: int | None, payer_id: int | None
) -> Literal["wrong_amount", "wrong_payer"] | None:
    """What is not as it was offered: ``wrong_amount``, ``wrong_payer``, or None when both are right.

    Args:
        currency, amount, user_id: what Telegram says.
        price_stars, payer_id: what the invoice says; whoever has it may pay one without ``payer_id``.
    """
    if currency != CURRENCY or amount != price_stars:
        return "wrong_amount"
    if payer_id is not None and payer_id != user_id:
        return "wrong_payer"
    return None

"""The kinds of updates that a host asks Telegram for, with those that carry money."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

MESSAGE, PRE_CHECKOUT, BOUGHT_MEDIA, SUBSCRIPTION, PRESS = (
    "message",
    "pre_checkout_query",
    "purchased_paid_media",
    "subscription",
    "callback_query",
)
ALL: Final = (MESSAGE, PRE_CHECKOUT, BOUGHT_MEDIA, SUBSCRIPTION)


def with_ours(asked: Iterable[str] | None, ours: Sequence[str] = ALL, *, presses: bool) -> list[str] | None:
    """The kinds that a host names, with those without which we hear of no payment.

    Args:
        asked: what the host names. None and nothing stay what they are to Telegram: the kinds of before, and its default,
            which has ours.
        ours: those that the library can read.
        presses: whether pressed buttons are wanted, too.
    """
    if asked is None:
        return None
    kinds = list(asked)
    wanted = (*ours, PRESS) if presses else ours
    return [*kinds, *(kind for kind in wanted if kind not in kinds)] if kinds else kinds

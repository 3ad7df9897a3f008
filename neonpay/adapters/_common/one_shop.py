"""One bot has one shop: a second one would take every payment, and decline what the first one sells."""

from __future__ import annotations

from typing import Final

from neonpay.errors import AdapterError

_MARK: Final = "_neonpay_claim"


class Claim:
    """That a bot has a shop.

    Args:
        bot: the library's object, which remembers it.
        updates: another object that brings the updates of several bots, such as a dispatcher, and remembers it for ``bot_id``.

    Raises:
        AdapterError: it has another shop, which was not closed.
    """

    def __init__(self, bot: object, *, updates: object = None, bot_id: int = 0) -> None:
        places = [(bot, _MARK)] if updates is None else [(bot, _MARK), (updates, f"{_MARK}_{bot_id}")]
        if any(_is_taken(holder, mark) for holder, mark in places):
            msg = (
                "create_neonpay was called for this bot before, and two shops of one bot take each other's payments; make it "
                "once, in a module of its own, and write `from shop import neonpay` wherever it is needed, or close the first "
                "one with neonpay.close() before"
            )
            raise AdapterError(msg)
        self.is_released: bool = False
        for holder, mark in places:
            setattr(holder, mark, self)

    def release(self) -> None:
        """The shop was closed; another one may follow."""
        self.is_released = True


def _is_taken(holder: object, mark: str) -> bool:
    earlier = getattr(holder, mark, None)
    return isinstance(earlier, Claim) and not earlier.is_released

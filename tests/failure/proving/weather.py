"""What goes wrong outside while a shop sells: Telegram's errors, lost answers, updates that come again, clocks that jump."""

from __future__ import annotations

from collections import Counter
from random import Random

from neonpay.simulator import BotAccount, Simulator
from tests.failure.proving.crowd import Meter

_METHODS = ("answerPreCheckoutQuery", "sendMessage", "sendInvoice", "refundStarPayment", "getUpdates")
_REMEMBERED = 200


class Weather:
    """Every few payments, one thing goes wrong.

    Args:
        every: payments from one fault to the next, on average.

    Attributes:
        happened: what went wrong, and how often.
    """

    def __init__(self, telegram: Simulator, account: BotAccount, random: Random, *, every: int) -> None:
        self._telegram = telegram
        self._account = account
        self._random = random
        self._every = every
        self.happened: Counter[str] = Counter()

    async def blows(self, paid: Meter) -> None:
        """Until cancelled."""
        while True:
            await paid.reach(paid.count + self._random.randint(1, 2 * self._every - 1))
            await self._strikes()

    def clears(self) -> None:
        """Nothing goes wrong any more."""
        self._telegram.faults.clear()

    async def _strikes(self) -> None:
        faults, method = self._telegram.faults, self._random.choice(_METHODS)
        kind = self._random.choice(("429", "5xx", "closed", "answer lost", "delivered again", "delivered late"))
        if kind == "429":
            faults.fail(method, error_code=429, retry_after=1)
        elif kind == "5xx":
            faults.fail(method, error_code=self._random.choice((500, 502, 503)))
        elif kind == "closed":
            faults.drop_connection(method)
        elif kind == "answer lost":
            faults.lose_answer(method)
        else:
            await self._repeats(new_id=kind == "delivered late")
        self.happened[kind] += 1

    async def _repeats(self, *, new_id: bool) -> None:
        """Deliver a payment's update once more: as it was, or as a new one among later ones."""
        recent = self._telegram.updates(self._account)[-_REMEMBERED:]
        payments = [update for update in recent if "successful_payment" in update.payload and update.update_id]
        if payments:
            again = self._random.choice(payments)
            await self._telegram.redeliver(again.update_id, self._account, new_id=new_id)

"""Stars that go back: by the owner's will, and at a buyer's request."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from neonpay.cli.demo.lively import goods

if TYPE_CHECKING:
    from neonpay.cli.demo.lively.plans import Later
    from neonpay.cli.demo.lively.shop import Shop
    from neonpay.simulator import Buyer

_HOUR_S: Final = 3600
_GRANTED: Final = 0.72
_UNDECIDED: Final = 0.1


class Returns:
    """Plays the owner, and buyers who want their Stars back.

    Attributes:
        newest: who bought last, and the charge.
    """

    def __init__(self, shop: Shop, owner: Buyer, dice: random.Random, *, later: Later) -> None:
        self.newest: tuple[Buyer, str] | None = None
        self._shop = shop
        self._owner = owner
        self._dice = dice
        self._later = later

    async def by_owner(self, charge_id: str) -> None:
        """The owner gives Stars back without being asked here."""
        payment = await self._shop.neonpay.payments.get(charge_id)
        if payment.state != "accepted":
            return
        await self._shop.neonpay.refund(
            charge_id, reason=self._dice.choice(goods.OWNERS_REASONS), requested_by=self._owner.name
        )
        await self._shop.settle()

    async def by_request(self, buyer: Buyer, charge_id: str) -> None:
        """A buyer asks with words, as /paysupport does it, and the owner decides some hours later."""
        payment = await self._shop.neonpay.payments.get(charge_id)
        if payment.state != "accepted":
            return
        words = self._dice.choice(goods.REASONS["ru" if buyer.name[0] > "Ѐ" else "en"])
        request = await self._shop.neonpay.refunds.request(charge_id, user_id=buyer.id, words=words)
        await self._shop.settle()
        if self._dice.random() >= _UNDECIDED:
            self._later(self._dice.uniform(0.3, 30) * _HOUR_S, lambda: self._decide(request.request_id))

    async def ask_about_the_newest(self) -> None:
        """Whoever bought last asks for a refund, and nobody has answered yet."""
        if self.newest is None:
            return
        buyer, charge_id = self.newest
        payment = await self._shop.neonpay.payments.get(charge_id)
        if payment.state == "accepted":
            words = goods.REASONS["ru" if buyer.name[0] > "Ѐ" else "en"][0]
            await self._shop.neonpay.refunds.request(charge_id, user_id=buyer.id, words=words)
            await self._shop.settle()

    async def _decide(self, request_id: str) -> None:
        requests = self._shop.neonpay.refunds
        if self._dice.random() < _GRANTED:
            await requests.approve(request_id, by=self._owner.name)
        else:
            await requests.refuse(request_id, by=self._owner.name, answer="You have watched all ten lessons.")
        await self._shop.settle()

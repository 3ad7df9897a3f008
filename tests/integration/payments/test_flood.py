"""One person's flood of taps, in a bot that handles its updates one after another, stops nobody else's checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from aiogram import F

from neonpay import PaymentResult
from neonpay.errors import SaleRefused, TelegramError
from neonpay.ledger.tables import invoices

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from aiogram.types import Message

    from neonpay import Invoice
    from tests.integration.conftest import Shop

HELD_S = 50
"""What Telegram has a chat wait: longer than any test takes, and short enough to be worth waiting for."""


class Taps:
    """A handler as hosts write it: each tap asks for an invoice."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.answers: list[Invoice | SaleRefused] = []
        shop.dispatcher.message.register(self._tapped, F.text)

        @shop.neonpay.on_payment
        async def deliver(result: PaymentResult) -> None: ...

    async def _tapped(self, message: Message) -> None:
        assert message.from_user is not None
        try:
            invoice = await self.shop.neonpay.send_payment(message.from_user.id, "vip", chat_id=message.chat.id)
        except SaleRefused as refused:
            self.answers.append(refused)
        else:
            self.answers.append(invoice)

    @property
    def sent(self) -> list[Invoice]:
        return [each for each in self.answers if not isinstance(each, SaleRefused) and not each.is_queued]

    @property
    def queued(self) -> list[Invoice]:
        return [each for each in self.answers if not isinstance(each, SaleRefused) and each.is_queued]

    @property
    def refused(self) -> list[SaleRefused]:
        return [each for each in self.answers if isinstance(each, SaleRefused)]


@pytest.mark.parametrize("where", ["private", "group"])
async def test_a_user_who_taps_twenty_times_does_not_stop_another_ones_checkout(
    open_shop: Callable[..., Shop], where: str
) -> None:
    shop = open_shop(messages_per_s=1 / HELD_S)
    taps = Taps(shop)
    async with shop.polling():
        ann, bob = shop.telegram.user("Ann"), shop.telegram.user("Bob", stars=1000)
        group = shop.telegram.group("Club", members=[ann, bob], administrators=[shop.account])
        link = (await shop.neonpay.create_payment_link("vip")).link or ""
        for _ in range(20):
            await ann.says("/start", to=shop.account if where == "private" else group)
        outcome = await bob.pays(link)
        await shop.settles()
        sends = shop.telegram.calls("sendInvoice")

    assert outcome.status == "paid"
    assert len(sends) == 1
    assert len(taps.sent) == 1
    assert len(taps.queued) == 1
    assert len(taps.refused) == 18
    assert {refused.reason for refused in taps.refused} == {"too_often"}
    assert all(refused.retry_after_s is not None and refused.retry_after_s > 0 for refused in taps.refused)

"""The guide to orders and donations, run as its page prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from neonpay.errors import ValidationError
from tests.unit.docs.blocks import programs

if TYPE_CHECKING:
    from tests.integration.conftest import Shop

(PAGE,) = programs("docs/howto/orders.md")


async def test_an_order_is_asked_for_once_paid_and_tidied_up(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    there: dict[str, Any] = {"bot": shop.bot, "dispatcher": shop.dispatcher, "neonpay": shop.neonpay}
    exec(PAGE.source, there)  # noqa: S102 - the page's own code
    check_out, order_state = there["check_out"], there["order_state"]
    async with shop.polling():
        ann = await shop.visitor("Ann")
        basket = {"tea": 30, "cup": 12}
        invoice_id = await check_out(ann.id, 7, basket)
        assert await check_out(ann.id, 7, basket) == invoice_id
        message = await ann.hears(shop.account, predicate=lambda one: one.invoice is not None)
        invoice = message.invoice
        assert invoice is not None
        assert (invoice.title, invoice.description, invoice.total_amount) == ("Order 7", "tea, cup", 42)
        assert [await order_state(invoice_id), await order_state("nope")] == ["open", "unknown"]

        outcome = await ann.pays(message)
        await shop.settles()
        assert await order_state(invoice_id) == "paid"
        assert "order 7 is paid with 42 Stars" in capsys.readouterr().out
        assert message.message_id not in [one.message_id for one in ann.messages(shop.account)]

        await shop.neonpay.refund(outcome.charge_id or "")
        assert await order_state(invoice_id) == "closed"
        with pytest.raises(ValidationError, match="from 1 to 5000"):
            await check_out(ann.id, 8, {"house": 5_001})

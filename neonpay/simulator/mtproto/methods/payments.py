"""Links to invoices, refunds and the balance."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from neonpay.simulator.mtproto.peers import user_of
from neonpay.simulator.mtproto.reading import invoice_fields, params
from neonpay.simulator.mtproto.writing import Writer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.mtproto.asked import Asked, Method
    from neonpay.simulator.mtproto.tl import TlObject


async def export_invoice(asked: Asked) -> TlObject:
    """Make a link under which anybody can pay."""
    fields = invoice_fields(asked.line.tl, asked.request.invoice_media)
    url = await asked.line.carry_out("createInvoiceLink", params(**fields))
    return asked.line.tl.make("payments.ExportedInvoice", url=url)


async def refund_stars_charge(asked: Asked) -> TlObject:
    """Give the Stars of a charge back; the message that says so comes as an update."""
    line = asked.line
    payer = user_of(line.tl, asked.request.user_id, asked.me, line.world.accounts)
    call = params(user_id=payer.id, telegram_payment_charge_id=asked.request.charge_id)
    await line.carry_out("refundStarPayment", call)
    return Writer(line.tl, asked.me, line.world.accounts).updates([], [payer.id], line.world.clock.now())


async def bot_cancel_stars_subscription(asked: Asked) -> TlObject:
    """End the renewals of a subscription, or with ``restore`` let the person take it up again."""
    line, request = asked.line, asked.request
    subscriber = user_of(line.tl, request.user_id, asked.me, line.world.accounts)
    call = params(user_id=subscriber.id, telegram_payment_charge_id=request.charge_id, is_canceled=not request.restore)
    return await line.carry_out("editUserStarSubscription", call) is True


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "payments.BotCancelStarsSubscription": bot_cancel_stars_subscription,
        "payments.ExportInvoice": export_invoice,
        "payments.RefundStarsCharge": refund_stars_charge,
    }
)

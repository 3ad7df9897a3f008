"""Sending invoices and making links to them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from neonpay.simulator.calls.drafts import read_draft
from neonpay.simulator.calls.keyboards import inline_keyboard
from neonpay.simulator.calls.markups import read_markup
from neonpay.simulator.calls.requests import Done, Method, Request
from neonpay.simulator.calls.sending import read_destination, refuse_unsimulated
from neonpay.simulator.chats.invoices import new_slug
from neonpay.simulator.methods.depth import simulated
from neonpay.simulator.wire.objects import dump
from neonpay.simulator.wire.refusal import bad_request, not_simulated

if TYPE_CHECKING:
    from collections.abc import Mapping


@simulated(
    "Every check of the server and of Telegram that is known. A keyboard begins with its Pay button; start_parameter as the "
    "Bot API has it for forwarded copies. In groups and channels too. Other currencies than XTR with the token of a test "
    "provider, `1:TEST:…`: any code, 1 to 99999999 of its smallest unit, several prices; nobody gives a tip that is offered.",
    refuses="With another currency than XTR: providers in live mode, `is_flexible`, and every `need_…`. "
    "Messages on behalf of business accounts.",
)
def send_invoice(request: Request) -> Done:
    """Put an invoice into a chat."""
    world, params = request.world, request.params
    draft = read_draft(params)
    markup = read_markup(params)
    destination = read_destination(request)
    keyboard = inline_keyboard(markup, destination.chat, for_invoice=True)
    invoice = draft.submit(request.bot.id)
    fields = destination.fields | {"invoice": invoice.as_json, "reply_markup": keyboard}
    post = world.chats.post(destination.chat, fields, by_bot=True, invoice=invoice)
    return Done(dump(post.message))


@simulated(
    "The same, and subscriptions. Anybody may pay it, any number of times.",
    refuses="Links on behalf of business accounts.",
)
def create_invoice_link(request: Request) -> Done:
    """Make an address under which anybody can pay."""
    params = request.params
    draft = read_draft(params)
    refuse_unsimulated(params)
    if params.has("business_connection_id"):
        if params.text("business_connection_id") in request.world.business.connections:
            raise not_simulated("an invoice link on behalf of a business account")
        raise bad_request("BUSINESS_CONNECTION_INVALID")  # ERR
    slug = new_slug(request.world.random)
    invoice = draft.submit(request.bot.id, slug=slug, test_environment=request.world.test_environment)
    request.world.links[slug] = invoice
    return Done(invoice.link)


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {"createInvoiceLink": create_invoice_link, "sendInvoice": send_invoice}
)

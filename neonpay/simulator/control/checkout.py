"""``/_sim/``: a payment taken step by step, for a page that shows the payment sheet and the ten seconds of the bot."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from neonpay.errors import SimulatorError
from neonpay.simulator.chats.currencies import price_as_json
from neonpay.simulator.control import orders
from neonpay.simulator.wire.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from aiohttp import web

    from neonpay.simulator.control.desk import Desk
    from neonpay.simulator.money.checkout import Checkout, InvoiceForm
    from neonpay.simulator.people.buyers import Buyer
    from neonpay.simulator.world import World

    Json = Mapping[str, object]
    Handler = Callable[[web.Request], Awaitable[Json]]

FORMS_MAX: Final = 1_000
"""Opened forms remembered; the oldest are forgotten, long after their ten minutes."""


class CheckoutControl:
    """Opens forms, presses Pay, and may answer in a bot's place."""

    def __init__(self, world: World, desk: Desk) -> None:
        self._world = world
        self._desk = desk
        self._forms: dict[int, InvoiceForm] = {}
        self._opened = 0

    def routes(self) -> Iterable[tuple[str, str, Handler]]:
        """Verb, path under ``/_sim`` and what it does."""
        yield "POST", "/users/{user}/opens", self._opens
        yield "POST", "/users/{user}/begins", self._begins
        yield "GET", "/checkouts", self._checkouts
        yield "POST", "/checkouts/{query_id}/answers", self._answers

    async def _opens(self, request: web.Request) -> Json:
        order = await orders.read(request, orders.Opens)
        buyer = self._desk.buyer(request)
        what = order.link if order.link is not None else self._desk.message(order.message_id or 0)
        return self.remember(buyer, await buyer.opens(what))

    def remember(self, buyer: Buyer, form: InvoiceForm) -> Json:
        """The form as JSON, with a number by which it can be paid."""
        self._opened += 1
        self._forms[self._opened] = form
        if len(self._forms) > FORMS_MAX:
            del self._forms[next(iter(self._forms))]
        return {
            "form": self._opened,
            "title": form.title,
            "description": form.description,
            **price_as_json(form.amount, form.currency),
            "photo_url": form.photo_url,
            "bot_id": form.invoice.bot_id,
            "subscription_period_s": form.invoice.subscription_period_s,
            "balance_stars": buyer.stars,
        }

    async def _begins(self, request: web.Request) -> Json:
        order = await orders.read(request, orders.Begins)
        form = self._forms.get(order.form)
        if form is None:
            raise SimulatorError(f"no form {order.form} is open; opens gives one")
        return as_json(await self._desk.buyer(request).begins_to_pay(form))

    async def _checkouts(self, request: web.Request) -> Json:
        newest = islice(reversed(self._world.checkouts.begun), 100)
        return {"checkouts": [as_json(checkout) for checkout in newest][::-1]}

    async def _answers(self, request: web.Request) -> Json:
        order = await orders.read(request, orders.Answers)
        query_id = request.match_info["query_id"]
        checkout = next((one for one in self._world.checkouts.begun if one.query_id == query_id), None)
        if checkout is None:
            raise SimulatorError(f"there is no checkout {query_id}")
        if checkout.result is not None:
            raise SimulatorError(f"checkout {query_id} has ended: {checkout.result.status}")
        checkout.by_hand = True
        try:
            self._world.checkouts.answer(checkout.bot, query_id, ok=order.ok, error_message=order.error_message)
        except Refusal as refusal:
            raise SimulatorError(refusal.description) from refusal
        return as_json(checkout)


def as_json(checkout: Checkout) -> Json:
    """A payment under way or ended."""
    result = checkout.result
    return {
        "query_id": checkout.query_id,
        "bot_id": checkout.bot.id,
        "user_id": checkout.payer.id,
        "title": checkout.invoice.title,
        **price_as_json(checkout.invoice.amount, checkout.invoice.currency),
        "deadline_at": None if checkout.deadline is None else checkout.deadline.when,
        "status": "asked" if result is None else result.status,
        "reason": None if result is None else result.reason,
        "charge_id": None if result is None else result.charge_id,
        "by_hand": checkout.by_hand,
    }

"""``/_sim/``: subscriptions that people have, and paid media that they buy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from neonpay.simulator.control import orders

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from aiohttp import web

    from neonpay.simulator.control.desk import Desk
    from neonpay.simulator.money.subscriptions import Subscription
    from neonpay.simulator.world import World

    Json = Mapping[str, object]
    Handler = Callable[[web.Request], Awaitable[Json]]

SHOWN_MAX = 1_000
"""Most subscriptions in one answer: the newest."""


class NamesSubscription(orders.Order):
    """Which subscription is meant, by the charge id of one of its payments."""

    charge_id: Annotated[str, Field(min_length=1, max_length=256)]


class Buys(orders.Order):
    """Buy the paid media of a message."""

    message_id: int


class SalesControl:
    """Lists subscriptions, cancels and restores them, and buys paid media."""

    def __init__(self, world: World, desk: Desk) -> None:
        self._world = world
        self._desk = desk

    def routes(self) -> Iterable[tuple[str, str, Handler]]:
        """Verb, path under ``/_sim`` and what it does."""
        yield "GET", "/users/{user}/subscriptions", self._of_user
        yield "POST", "/users/{user}/cancels_subscription", self._cancels
        yield "POST", "/users/{user}/restores_subscription", self._restores
        yield "POST", "/users/{user}/buys", self._buys
        yield "GET", "/bots/{bot}/subscriptions", self._to_bot

    async def _of_user(self, request: web.Request) -> Json:
        buyer = self._desk.buyer(request)
        bots = self._world.accounts.bots.values()
        return self._shown([one for bot in bots for one in buyer.subscriptions(bot)])

    async def _to_bot(self, request: web.Request) -> Json:
        bot = self._world.accounts.bot_named(request.match_info["bot"])
        return self._shown(self._world.subscriptions.to(bot))

    async def _cancels(self, request: web.Request) -> Json:
        order = await orders.read(request, NamesSubscription)
        await self._desk.buyer(request).cancels_subscription(order.charge_id)
        return await self._of_user(request)

    async def _restores(self, request: web.Request) -> Json:
        order = await orders.read(request, NamesSubscription)
        await self._desk.buyer(request).restores_subscription(order.charge_id)
        return await self._of_user(request)

    async def _buys(self, request: web.Request) -> Json:
        order = await orders.read(request, Buys)
        outcome = await self._desk.buyer(request).buys(self._desk.message(order.message_id))
        return {
            "status": outcome.status,
            "reason": outcome.reason,
            "charge_id": outcome.charge_id,
            "amount_stars": outcome.amount_stars,
        }

    def _shown(self, subscriptions: list[Subscription]) -> Json:
        return {"subscriptions": [self._as_json(one) for one in subscriptions[-SHOWN_MAX:]]}

    def _as_json(self, one: Subscription) -> Json:
        return {
            "charge_id": one.charge_id,
            "charge_ids": one.charge_ids,
            "user_id": one.user_id,
            "bot": self._world.accounts.bots[one.bot_id].username,
            "title": one.invoice.title,
            "payload": one.payload,
            "amount_stars": one.amount_stars,
            "period_s": one.period_s,
            "expires_at": one.expires_at.isoformat(),
            "state": one.state,
            "bot_canceled": one.bot_canceled,
        }

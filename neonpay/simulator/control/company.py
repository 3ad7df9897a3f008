"""``/_sim/``: people who come to groups and leave them, change what they have written, and react."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from neonpay.errors import SimulatorError
from neonpay.simulator.control import orders
from neonpay.simulator.wire.objects import dump

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from aiohttp import web

    from neonpay.simulator.control.desk import Desk

    Json = Mapping[str, object]
    Handler = Callable[[web.Request], Awaitable[Json]]


class Joins(orders.Order):
    """Follow an invite link, or join a public group by its id."""

    url: Annotated[str, Field(min_length=1, max_length=2048)] | None = None
    group: int | None = None

    @model_validator(mode="after")
    def _names_one_way(self) -> Self:
        if (self.url is None) == (self.group is None):
            raise SimulatorError("give url or group")
        return self


class Leaves(orders.Order):
    """Leave a group."""

    group: int


class Edits(orders.Order):
    """Change a text of one's own."""

    message_id: int
    text: Annotated[str, Field(min_length=1, max_length=4096)]


class Reacts(orders.Order):
    """Put an emoji under a message; an empty one takes it back."""

    message_id: int
    emoji: Annotated[str, Field(max_length=16)] = ""


class CompanyControl:
    """What people do in company, beside writing."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> Iterable[tuple[str, str, Handler]]:
        """Verb, path under ``/_sim`` and what it does."""
        yield "POST", "/users/{user}/joins", self._joins
        yield "POST", "/users/{user}/leaves", self._leaves
        yield "POST", "/users/{user}/edits", self._edits
        yield "POST", "/users/{user}/reacts", self._reacts

    async def _joins(self, request: web.Request) -> Json:
        order = await orders.read(request, Joins)
        where = order.url if order.group is None else self._desk.group(order.group)
        return {"state": await self._desk.buyer(request).joins(where or "")}

    async def _leaves(self, request: web.Request) -> Json:
        order = await orders.read(request, Leaves)
        await self._desk.buyer(request).leaves(self._desk.group(order.group))
        return {"state": "left"}

    async def _edits(self, request: web.Request) -> Json:
        order = await orders.read(request, Edits)
        return {
            "message": dump(await self._desk.buyer(request).edits(self._desk.message(order.message_id), order.text))
        }

    async def _reacts(self, request: web.Request) -> Json:
        order = await orders.read(request, Reacts)
        buyer, message = self._desk.buyer(request), self._desk.message(order.message_id)
        await buyer.reacts(message, order.emoji)
        return {"reactions": buyer.reactions(message)}

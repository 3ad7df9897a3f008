"""``/_sim/``: pictures of bots, people and invoices, as uploads, as photos that were sent, or from an address."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field, model_validator

from neonpay.errors import SimulatorError
from neonpay.simulator.control import orders
from neonpay.simulator.files.store import PHOTO_MAX_BYTES
from neonpay.simulator.people.portraits import give_picture, picture_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from aiohttp import web

    from neonpay.simulator.control.desk import Desk
    from neonpay.simulator.files.store import StoredFile
    from neonpay.simulator.people.portraits import Sitter
    from neonpay.simulator.world import World

    Json = Mapping[str, object]
    Handler = Callable[[web.Request], Awaitable[Json]]

PICTURE_MAX_CHARS: Final = (PHOTO_MAX_BYTES + 2) // 3 * 4
"""Longest base64 of a picture."""
BODY_MAX_BYTES: Final = PICTURE_MAX_CHARS + orders.BODY_MAX_BYTES
"""Largest body of an order that holds one."""
Content = Annotated[str, Field(max_length=PICTURE_MAX_CHARS)]


def decoded(content_base64: str) -> bytes:
    """The bytes of a picture.

    Raises:
        SimulatorError: it is not base64.
    """
    try:
        return base64.b64decode(content_base64, validate=True)
    except binascii.Error as error:
        raise SimulatorError("content_base64 is not base64") from error


class HasPicture(orders.Order):
    """Give a picture: its content, the id of a photo that was sent, or an address, if the simulator may ask any."""

    content_base64: Content | None = None
    file_id: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    url: Annotated[str, Field(pattern="^https?://", max_length=2048)] | None = None

    @model_validator(mode="after")
    def _names_one_picture(self) -> HasPicture:
        if sum(one is not None for one in (self.content_base64, self.file_id, self.url)) != 1:
            raise SimulatorError("give content_base64, file_id or url")
        return self


class PicturesControl:
    """Gives, shows and takes away pictures."""

    def __init__(self, world: World, desk: Desk) -> None:
        self._world = world
        self._desk = desk

    def routes(self) -> Iterable[tuple[str, str, Handler]]:
        """Verb, path under ``/_sim`` and what it does."""
        for path in ("/users/{user}/picture", "/bots/{bot}/picture", "/invoices/{message_id}/picture"):
            yield "GET", path, self._shown
            yield "POST", path, self._given
            yield "DELETE", path, self._taken_away

    async def _shown(self, request: web.Request) -> Json:
        return {"picture": _described(await picture_of(self._world, self._whose(request)))}

    async def _given(self, request: web.Request) -> Json:
        whose = self._whose(request)
        order = await orders.read(request, HasPicture, max_bytes=BODY_MAX_BYTES)
        give_picture(self._world, whose, await self._picture(order))
        return await self._shown(request)

    async def _taken_away(self, request: web.Request) -> Json:
        give_picture(self._world, self._whose(request), None)
        return await self._shown(request)

    def _whose(self, request: web.Request) -> Sitter:
        named = request.match_info
        if "user" in named:
            return self._desk.buyer(request)
        if "bot" in named:
            return self._world.accounts.bot_named(named["bot"])
        number = named["message_id"]
        if not (number.isascii() and number.isdigit() and len(number) < 20):  # noqa: PLR2004 - digits of an id
            raise SimulatorError(f"there is no message {number}")
        return self._desk.message(int(number))

    async def _picture(self, order: HasPicture) -> StoredFile:
        pictures = self._world.pictures
        if order.url is None:
            return pictures.given(order.file_id or decoded(order.content_base64 or ""))
        if not pictures.fetches:
            raise SimulatorError(
                "no address is asked for a picture: start with `neonpay simulate --fetch-pictures`, or send content_base64"
            )
        found = await pictures.at(order.url)
        if found is None:
            raise SimulatorError(f"no PNG, JPEG, GIF or WebP is to be had at {order.url}")
        return found


def _described(picture: StoredFile | None) -> Json | None:
    if picture is None:
        return None
    content = None if picture.content is None else base64.b64encode(picture.content).decode()
    return {
        "file_id": picture.file_id,
        "width": picture.width,
        "height": picture.height,
        "content_type": picture.content_type,
        "content_base64": content,
    }

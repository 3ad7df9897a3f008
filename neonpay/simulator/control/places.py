"""``/_sim/``: groups and channels, and photos that people send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field, model_validator

from neonpay.errors import SimulatorError
from neonpay.simulator.chats.groups import GroupKind
from neonpay.simulator.control import orders
from neonpay.simulator.control.pictures import BODY_MAX_BYTES, Content, decoded
from neonpay.simulator.people.founding import Places
from neonpay.simulator.wire.objects import dump

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from aiohttp import web

    from neonpay.simulator.chats.groups import Group
    from neonpay.simulator.control.desk import Desk
    from neonpay.simulator.world import World

    Json = Mapping[str, object]
    Handler = Callable[[web.Request], Awaitable[Json]]

MEMBERS_MAX: Final = 200
"""Most people, and most bots, that one order puts into a group."""


class NewGroup(orders.Order):
    """A new group or channel: people by their ids, bots by their usernames."""

    title: Annotated[str, Field(min_length=1, max_length=128)]
    kind: GroupKind = "supergroup"
    id: int | None = None
    username: orders.Name | None = None
    topics: Annotated[tuple[orders.Name, ...], Field(max_length=MEMBERS_MAX)] = ()
    """Names of topics, which make it a forum."""
    owner: int | None = None
    members: Annotated[tuple[int, ...], Field(max_length=MEMBERS_MAX)] = ()
    bots: Annotated[tuple[orders.Name, ...], Field(max_length=MEMBERS_MAX)] = ()
    administrators: Annotated[tuple[orders.Name, ...], Field(max_length=MEMBERS_MAX)] = ()

    @model_validator(mode="after")
    def _has_topics_in_a_supergroup_only(self) -> NewGroup:
        if self.topics and self.kind != "supergroup":
            raise SimulatorError(f"a {self.kind} has no topics; only a supergroup can be a forum")
        return self


class SendsPhoto(orders.ToSomewhere):
    """Send a photo, of one pixel when no content is given."""

    caption: Annotated[str, Field(max_length=1024)] = ""
    content_base64: Content | None = None

    @model_validator(mode="after")
    def _can_be_decoded(self) -> SendsPhoto:
        self.content()
        return self

    def content(self) -> bytes | None:
        """The picture.

        Raises:
            SimulatorError: it is not base64.
        """
        return None if self.content_base64 is None else decoded(self.content_base64)


class _Founder(Places):
    def __init__(self, world: World) -> None:
        self._world = world


class PlacesControl:
    """Makes groups, and takes photos there and to bots."""

    def __init__(self, world: World, desk: Desk) -> None:
        self._world = world
        self._desk = desk
        self._founder = _Founder(world)

    def routes(self) -> Iterable[tuple[str, str, Handler]]:
        """Verb, path under ``/_sim`` and what it does."""
        yield "GET", "/groups", self._groups
        yield "POST", "/groups", self._new_group
        yield "POST", "/users/{user}/sends_photo", self._sends_photo

    async def _groups(self, request: web.Request) -> Json:
        return {"groups": [_shown(group) for group in self._founder.groups()]}

    async def _new_group(self, request: web.Request) -> Json:
        order = await orders.read(request, NewGroup)
        people = [self._desk.person(user_id) for user_id in order.members]
        bots, administrators = (
            [self._world.accounts.bot_named(name) for name in names] for names in (order.bots, order.administrators)
        )
        owner = None if order.owner is None else self._desk.person(order.owner)
        username = order.username or ""
        if order.kind == "channel":
            group = self._founder.channel(
                order.title, members=[*people, *bots], administrators=administrators, owner=owner, username=username,
                id=order.id,
            )  # fmt: skip
        else:
            group = self._founder.group(
                order.title, members=[*people, *bots], administrators=administrators, owner=owner, username=username,
                kind=order.kind, forum=bool(order.topics), id=order.id,
            )  # fmt: skip
        for name in order.topics:
            self._founder.topic(group, name)
        return _shown(group)

    async def _sends_photo(self, request: web.Request) -> Json:
        order = await orders.read(request, SendsPhoto, max_bytes=BODY_MAX_BYTES)
        where = self._desk.place(order.bot, order.group, order.topic)
        sent = await self._desk.buyer(request).sends_photo(to=where, content=order.content(), caption=order.caption)
        return {"message": dump(sent)}


def _shown(group: Group) -> Json:
    return {
        "id": group.id,
        "title": group.title,
        "kind": group.kind,
        "username": group.username,
        "topics": {topic.name: topic.id for topic in group.topics.values()},
        "members": [member.account.id for member in group.present()],
    }

"""What people send beside words: files, contacts, places; and how they vote, react and suggest."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final

from neonpay.core.limits import CURRENCY
from neonpay.errors import SimulatorError
from neonpay.simulator.files.images import PNG
from neonpay.simulator.files.store import About
from neonpay.simulator.money.suggestions import PRICE_MAX_STARS, PRICE_MIN_STARS
from neonpay.simulator.people.persons import Person, Where
from neonpay.simulator.text.formatting import typed_text
from neonpay.simulator.wire.params import Upload
from neonpay.simulator.wire.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiogram import types

    from neonpay.simulator.chats.accounts import BotAccount
    from neonpay.simulator.chats.groups import Group
    from neonpay.simulator.files.store import FileKind
    from neonpay.simulator.money.business import BusinessConnection


class Sharer(Person):
    """Somebody who sends more than text."""

    async def sends(
        self,
        kind: FileKind,
        *,
        to: Where,
        content: bytes | None = None,
        file_name: str = "",
        caption: str = "",
        duration_s: int = 0,
    ) -> types.Message:
        """Send a file; the bot can download it with getFile.

        Args:
            kind: ``photo``, ``document``, ``video``, ``animation``, ``audio``, ``voice``, ``video_note`` or ``sticker``.
            to: the bot, the group or the topic.
            content: its bytes; something small when left out.
            file_name: for kinds that have one.
            caption: for kinds that have one.
            duration_s: for kinds that have one.

        Raises:
            SimulatorError: a photo that is no picture, or this person may not write there.
        """
        body = content if content is not None else one_pixel() if kind == "photo" else b"\0"
        try:
            file = self._world.files.keep(kind, Upload(file_name, body), About(duration=duration_s))
        except Refusal as refusal:
            raise SimulatorError(f"{self.name} cannot send this {kind}: {refusal.description}") from refusal
        return self._write(to, file.as_fields | typed_text(caption).fields("caption", "caption_entities")).message

    async def sends_photo(self, *, to: Where, content: bytes | None = None, caption: str = "") -> types.Message:
        """Send a photo; see :meth:`sends`."""
        return await self.sends("photo", to=to, content=content, caption=caption)

    async def sends_document(self, *, to: Where, content: bytes, file_name: str, caption: str = "") -> types.Message:
        """Send a file as it is; see :meth:`sends`."""
        return await self.sends("document", to=to, content=content, file_name=file_name, caption=caption)

    async def sends_contact(
        self, *, to: Where, phone_number: str | None = None, first_name: str | None = None
    ) -> types.Message:
        """Send a contact; one's own, with a made-up number, when none is given.

        Raises:
            SimulatorError: this person may not write there.
        """
        contact: dict[str, object] = {
            "phone_number": phone_number or made_up_number(self.id),
            "first_name": first_name or self.name,
        }
        if first_name is None:
            contact["user_id"] = self.id
        return self._write(to, {"contact": contact}).message

    async def sends_location(self, latitude: float, longitude: float, *, to: Where) -> types.Message:
        """Send a point on the map.

        Raises:
            SimulatorError: it is not on this planet, or this person may not write there.
        """
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):  # noqa: PLR2004 - degrees
            raise SimulatorError(f"{latitude}, {longitude} is no place")
        return self._write(to, {"location": {"latitude": latitude, "longitude": longitude}}).message

    async def votes(self, message: types.Message, *options: int) -> None:
        """Choose options of a poll, counted from 0; with none, take the vote back.

        Raises:
            SimulatorError: it is no open poll, or does not allow it.
        """
        self._world.polls.vote(self._seen(message), self._account, options)

    async def reacts(self, message: types.Message, emoji: str = "") -> None:
        """React to a message, or with an empty emoji take it back; bots hear it if they ask for ``message_reaction``.

        Raises:
            SimulatorError: this person does not see the message.
        """
        self._world.reactions.set(self._seen(message), self._account, [emoji] if emoji else [])

    def reactions(self, message: types.Message) -> list[str]:
        """The emoji under a message.

        Raises:
            SimulatorError: this person does not see it.
        """
        found = self._world.reactions.under(self._seen(message).message.message_id)
        return [emoji for chosen in found.values() for emoji in chosen]

    async def suggests(self, text: str, *, to: Group, price_stars: int = 0) -> types.Message:
        """Suggest a post to a channel, in its direct messages, which ``Simulator.direct_messages`` opens.

        Raises:
            SimulatorError: it is no channel's direct messages, or the price is out of Telegram's bounds.
        """
        if to.parent is None:
            raise SimulatorError(f"{to.title!r} is no channel's direct messages")
        if price_stars and not PRICE_MIN_STARS <= price_stars <= PRICE_MAX_STARS:
            raise SimulatorError(f"a price is {PRICE_MIN_STARS} to {PRICE_MAX_STARS} Stars, not {price_stars!r}")
        info: dict[str, object] = {"state": "pending"}
        if price_stars:
            info["price"] = {"currency": CURRENCY, "amount": price_stars}
        fields = typed_text(text).fields("text", "entities") | {"suggested_post_info": info}
        return self._write(to, fields).message

    async def connects_business(self, bot: BotAccount, *, rights: Iterable[str] = ()) -> BusinessConnection:
        """Have a bot look after one's business account, or change what it may; it hears ``business_connection``.

        Args:
            bot: which.
            rights: names as in ``BusinessBotRights``, such as ``can_transfer_stars``.

        Raises:
            SimulatorError: there is no such right.
        """
        from aiogram.types import BusinessBotRights

        given = frozenset(rights)
        if unknown := given - BusinessBotRights.model_fields.keys():
            raise SimulatorError(f"{', '.join(sorted(unknown))}: rights are named as in BusinessBotRights")
        return self._world.business.connect(bot, self._account, given)

    async def disconnects_business(self, connection: BusinessConnection) -> None:
        """Take the permission back."""
        self._world.business.disconnect(connection)


_FICTION: Final = "+1555"
"""Numbers with 555 are left to fiction in North America (https://nationalnanpa.com/number_resource_info/555_numbers.html)."""


def made_up_number(user_id: int) -> str:
    """A phone number of nobody's that belongs to this user."""
    return f"{_FICTION}{user_id % 10**7:07d}"


def one_pixel() -> bytes:
    """The smallest PNG."""
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pieces = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0\xff")), (b"IEND", b""))
    made = [
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in pieces
    ]
    return PNG + b"".join(made)

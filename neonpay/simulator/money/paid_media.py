"""Photos and videos that are seen after Stars were paid for them.

By https://core.telegram.org/api/paid-media (read 2026-11-21) nobody is asked before such a purchase, and no message tells it.
A bot that has sent them with a payload is told by ``purchased_paid_media`` (API, Update), without a charge id and an amount.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiogram import types

from neonpay.errors import SimulatorError
from neonpay.simulator.money.checkout import Outcome
from neonpay.simulator.wire.objects import build, build_from, dump

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from neonpay.simulator.chats.accounts import BotAccount, UserAccount
    from neonpay.simulator.chats.groups import Group
    from neonpay.simulator.money.till import Till


@dataclass(slots=True, eq=False)
class PaidMedia:
    """What one message sells.

    Attributes:
        bot: who has sent it.
        channel: whose balance gets the Stars; None when that is the bot's.
        items: ``PaidMedia`` objects as those see them who have paid.
        owners: ids of those people.
    """

    bot: BotAccount
    price_stars: int
    payload: str = field(repr=False)
    items: Sequence[Mapping[str, object]] = field(repr=False)
    channel: Group | None = None
    owners: set[int] = field(default_factory=set)

    @property
    def as_json(self) -> dict[str, object]:
        """The ``PaidMediaInfo`` object as the bot sees it."""
        return dump(build(types.PaidMediaInfo, star_count=self.price_stars, paid_media=list(self.items)))


class PaidMediaShelf:
    """Everything that is sold this way, by message."""

    def __init__(
        self, till: Till, tell: Callable[[BotAccount, str, dict[str, object], tuple[int, str]], object]
    ) -> None:
        self._till = till
        self._tell = tell
        self._by_message: dict[int, PaidMedia] = {}

    def put(self, message_id: int, media: PaidMedia) -> None:
        """Sell these media under a message."""
        self._by_message[message_id] = media

    def forward(self, message_id: int, copy_id: int) -> None:
        """Have a forwarded copy sell what the message sells.

        UNVERIFIED: whether who has bought the one sees the other, as here.
        """
        media = self._by_message.get(message_id)
        if media is not None:
            self._by_message[copy_id] = media

    def seen_by(self, message: types.Message, user_id: int) -> types.Message:
        """The message as this person sees it: previews in place of what has not been bought."""
        media = self._by_message.get(message.message_id)
        if media is None or user_id in media.owners:
            return message
        info = {"star_count": media.price_stars, "paid_media": [_preview(item) for item in media.items]}
        return build_from(types.Message, dump(message) | {"paid_media": info})

    def buy(self, payer: UserAccount, message: types.Message) -> Outcome:
        """Pay for the media of a message.

        Raises:
            SimulatorError: it sells none, or this person has bought them.
        """
        media = self._by_message.get(message.message_id)
        if media is None:
            raise SimulatorError(f"message {message.message_id} has no paid media")
        if payer.id in media.owners:
            raise SimulatorError(f"{payer.first_name} has bought this already (MEDIA_ALREADY_PAID)")
        price = media.price_stars
        if payer.balance_stars < price:
            return Outcome("balance_too_low", "BALANCE_TOO_LOW", None, price, None)
        media.owners.add(payer.id)
        if media.channel is not None:
            # API, sendPaidMedia: the Stars are the channel's; its bots have no row of them and hear nothing.
            payer.balance_stars -= price
            media.channel.balance_stars += price
            return Outcome("paid", None, None, price, None)
        payment = self._till.take_for_media(media.bot, payer, price, media.payload, media.items)
        if media.payload:
            bought = build(types.PaidMediaPurchased, from_=payer.as_user, paid_media_payload=media.payload)
            self._tell(media.bot, "purchased_paid_media", dump(bought), (payer.id, "paid media"))
        return Outcome("paid", None, payment.charge_id, price, None)


def _preview(item: Mapping[str, object]) -> dict[str, object]:
    seen = item.get("video", item.get("live_photo"))
    if seen is None:
        sizes = item["photo"]
        assert isinstance(sizes, list), "a photo has sizes"
        seen = sizes[-1]
    assert isinstance(seen, dict), "media are objects"
    known = {name: seen[name] for name in ("width", "height", "duration") if seen.get(name)}
    return {"type": "preview", **known}

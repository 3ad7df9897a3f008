"""Posts that somebody suggests to a channel for Stars, in the channel's direct messages.

https://core.telegram.org/api/suggested-posts and API, SuggestedPostParameters (read 2026-11-21).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from neonpay.core.limits import CURRENCY
from neonpay.simulator.chats.groups import Seat
from neonpay.simulator.wire.objects import dump
from neonpay.simulator.wire.refusal import bad_request, not_simulated

if TYPE_CHECKING:
    from aiogram import types

    from neonpay.simulator.chats.accounts import Accounts, BotAccount, UserAccount
    from neonpay.simulator.chats.book import Chats, Place
    from neonpay.simulator.chats.groups import Group
    from neonpay.simulator.chats.posts import Post
    from neonpay.simulator.clock import SteppedClock
    from neonpay.simulator.wire.params import Params

PRICE_MIN_STARS: Final = 5
PRICE_MAX_STARS: Final = 100_000
"""Bounds of the price (API, SuggestedPostPrice)."""
DELAY_MIN_S: Final = 300
DELAY_MAX_S: Final = 2_678_400
"""How soon and how late a suggested post may be published (API, SuggestedPostParameters, approveSuggestedPost)."""
STANDING_S: Final = 86_400
"""How long a paid post has to stay before its Stars are the channel's (API, SuggestedPostRefunded)."""
_LEFT_OUT: Final = (
    "message_id", "date", "chat", "from", "reply_to_message", "direct_messages_topic", "suggested_post_info",
)  # fmt: skip


@dataclass(slots=True)
class _Published:
    """A paid post of a channel that has to stand for a day."""

    suggestion: Post
    group: Group
    payer: UserAccount
    price_stars: int


def read_suggestion(params: Params, place: Place, now: float) -> dict[str, object]:
    """``suggested_post_info`` of a message that suggests itself; nothing when it does not.

    Raises:
        Refusal: it is sent elsewhere than to a channel's direct messages, or price or date are out of bounds.
    """
    words = "Object expected as suggested post parameters"
    said = params.fields("suggested_post_parameters", "suggested post parameters", words)
    if said is None:
        return {}
    send_date, price = said.whole("send_date"), said.inner("price")
    asked = None if price is None else (price.required_text("currency"), price.required_whole("amount", bits=64))
    if asked is not None and asked[0] not in {CURRENCY, "TON"}:
        raise bad_request("invalid suggested post price currency specified")
    if not isinstance(place, Seat) or place.group.parent is None:
        raise bad_request("suggested posts can be sent only to channel direct messages chats")  # UNVERIFIED words
    info: dict[str, object] = {"state": "pending"}
    if asked is not None and asked[1]:
        info["price"] = _price(*asked)
    if send_date < 0:
        raise bad_request("invalid post send date specified")  # TDL
    if send_date:
        if not DELAY_MIN_S <= send_date - now <= DELAY_MAX_S:
            raise bad_request("wrong send date of the suggested post specified")  # UNVERIFIED words
        info["send_date"] = send_date
    return {"suggested_post_info": info}


def _price(currency: str, amount: int) -> dict[str, object]:
    if currency == "TON":
        raise not_simulated("suggested posts for TON")
    if not PRICE_MIN_STARS <= amount <= PRICE_MAX_STARS:
        raise bad_request("invalid amount of Telegram Stars specified")  # TDL
    return {"currency": CURRENCY, "amount": amount}


class Suggestions:
    """Approves, declines, publishes, pays and refunds suggested posts; who pays is the person whose topic it is."""

    def __init__(self, accounts: Accounts, chats: Chats, clock: SteppedClock) -> None:
        self._accounts = accounts
        self._chats = chats
        self._clock = clock
        self._standing: dict[int, _Published] = {}

    def approve(self, group: Group, post: Post, by: BotAccount | UserAccount, send_date: int) -> None:
        """Take the Stars and publish the post now or at its date; without the Stars, say that it failed."""
        info, payer = info_of(post), self._payer(post)
        price = 0 if info.price is None else info.price.amount
        asked = None if info.price is None else dump(info.price)
        if payer.balance_stars < price:
            self._say(group, post, by, "suggested_post_approval_failed", price=asked)
            return
        now = int(self._clock.now())
        when = max(send_date or (0 if info.send_date is None else int(info.send_date.timestamp())), now)
        payer.balance_stars -= price
        self._settle(post, "approved", send_date=when)
        self._say(group, post, by, "suggested_post_approved", send_date=when, price=asked)
        published = _Published(post, group, payer, price)
        if when == now:
            self._publish(published)
        else:
            self._clock.call_after(when - self._clock.now(), lambda: self._publish(published))

    def decline(self, group: Group, post: Post, by: BotAccount | UserAccount, comment: str) -> None:
        """Say no."""
        self._settle(post, "declined")
        self._say(group, post, by, "suggested_post_declined", comment=comment or None)

    def deleted(self, post: Post) -> None:
        """A message is gone: a paid post that had not stood for a day is refunded."""
        published = self._standing.pop(post.message.message_id, None)
        if published is None:
            return
        published.payer.balance_stars += published.price_stars
        owner = published.group.creator.account
        self._say(published.group, published.suggestion, owner, "suggested_post_refunded", reason="post_deleted")

    def _publish(self, published: _Published) -> None:
        channel = _channel(published.group)
        fields = dump(published.suggestion.message)
        for name in _LEFT_OUT:
            fields.pop(name, None)
        if published.price_stars:
            fields["is_paid_post"] = True
        number = self._chats.post_in(channel, channel.creator.account, fields).message.message_id
        if published.price_stars:
            self._standing[number] = published
            self._clock.call_after(STANDING_S, lambda: self._pay(number))

    def _pay(self, message_id: int) -> None:
        published = self._standing.pop(message_id, None)
        if published is None:
            return
        channel = _channel(published.group)
        # UNVERIFIED: how much of the price Telegram keeps; here the channel gets all of it.
        channel.balance_stars += published.price_stars
        got = {"amount": published.price_stars}
        owner = channel.creator.account
        self._say(
            published.group, published.suggestion, owner, "suggested_post_paid", currency=CURRENCY, star_amount=got
        )

    def _settle(self, post: Post, state: str, **more: object) -> None:
        info = dump(info_of(post)) | {"state": state} | more
        self._chats.rewrite(post, {"suggested_post_info": info}, edited=False)

    def _say(self, group: Group, post: Post, by: BotAccount | UserAccount, event: str, **fields: object) -> None:
        message = dump(post.message)
        message.pop("reply_to_message", None)
        told = {name: value for name, value in fields.items() if value is not None}
        about = {event: told | {"suggested_post_message": message}}
        self._chats.post_in(group, by, {**about, "direct_messages_topic": message.get("direct_messages_topic")})

    def _payer(self, post: Post) -> UserAccount:
        topic = post.message.direct_messages_topic
        assert topic is not None, "a suggestion stands in somebody's topic"
        return self._accounts.users[topic.topic_id]


def info_of(post: Post) -> types.SuggestedPostInfo:
    """What a suggestion suggests."""
    info = post.message.suggested_post_info
    assert info is not None, "the caller has checked that it is a suggestion"
    return info


def _channel(group: Group) -> Group:
    assert group.parent is not None, "suggestions stand in a channel's direct messages"
    return group.parent

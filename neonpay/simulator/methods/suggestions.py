"""Posts suggested to channels: approved and declined."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from neonpay.simulator.calls.requests import Done, Method, Request
from neonpay.simulator.calls.targets import find
from neonpay.simulator.chats.access import require_right
from neonpay.simulator.chats.groups import Group, Seat
from neonpay.simulator.methods.depth import simulated
from neonpay.simulator.money.suggestions import DELAY_MAX_S, info_of
from neonpay.simulator.wire.params import INT32_MAX
from neonpay.simulator.wire.refusal import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.chats.posts import Post

COMMENT_MAX_CHARS: Final = 128
"""Longest comment (API, declineSuggestedPost)."""


@simulated(
    "What `Buyer.suggests` suggests. The Stars leave the person at once; the post is published now or at its date, and a day "
    "later the channel has its Stars. Service messages of every step."
)
def approve_suggested_post(request: Request) -> Done:
    """Publish a suggested post for its price."""
    send_date, now = request.params.integer("send_date", maximum=INT32_MAX), request.world.clock.now()
    group, post = _pending(request, "can_post_messages")
    if send_date and not 0 <= send_date - now <= DELAY_MAX_S:
        raise bad_request("SUGGESTED_POST_SCHEDULE_DATE_INVALID")  # API has the bound. UNVERIFIED word
    request.world.suggestions.approve(group, post, request.bot, send_date)
    return Done(True)


@simulated("With its service message.")
def decline_suggested_post(request: Request) -> Done:
    """Say no to a suggested post."""
    comment = request.params.text("comment")
    group, post = _pending(request, "can_manage_direct_messages")
    if len(comment) > COMMENT_MAX_CHARS:
        raise bad_request("SUGGESTED_POST_COMMENT_TOO_LONG")  # API has the bound. UNVERIFIED word
    request.world.suggestions.decline(group, post, request.bot, comment)
    return Done(True)


def _pending(request: Request, right: str) -> tuple[Group, Post]:
    place, post = find(request, "message")
    if not isinstance(place, Seat) or place.group.parent is None or post.message.suggested_post_info is None:
        raise bad_request("the message isn't a suggested post")  # UNVERIFIED words here and below
    require_right(Seat(place.bot, place.group.parent), right)
    if post.by_bot:
        raise bad_request("the suggested post can't be approved or declined by who suggested it")
    if info_of(post).state != "pending":
        raise bad_request("the suggested post was processed already")
    return place.group, post


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {"approveSuggestedPost": approve_suggested_post, "declineSuggestedPost": decline_suggested_post}
)

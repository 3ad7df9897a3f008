"""What a bot asks about chats, and changes of them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aiogram import types

from neonpay.simulator.calls.requests import Done, Method, Request
from neonpay.simulator.chats.access import require_right
from neonpay.simulator.chats.book import Chat
from neonpay.simulator.chats.groups import PERMISSIONS, Member, Seat
from neonpay.simulator.methods.depth import simulated
from neonpay.simulator.wire.objects import build, dump
from neonpay.simulator.wire.refusal import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.chats.access import Access
    from neonpay.simulator.chats.accounts import BotAccount, UserAccount
    from neonpay.simulator.chats.book import Place

TITLE_MAX_CHARS: Final = 128
"""Longest title (API, setChatTitle)."""
DESCRIPTION_MAX_CHARS: Final = 255
"""Longest description (API, setChatDescription)."""


@simulated(
    "Private chats, groups, supergroups, channels and their direct messages; no photos, colours or linked chats."
)
def get_chat(request: Request) -> Done:
    """Everything about a chat."""
    place = request.world.chats.reach(request.bot, request.params.text("chat_id"), "read")
    everything = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    fields: dict[str, object] = {
        "accent_color_id": place.id % 7,  # https://core.telegram.org/bots/api#accent-colors: seven that everybody has
        "max_reaction_count": 11,  # TDL, reactions_uniq_max
        "accepted_gift_types": dict.fromkeys(everything, True),
    }
    fields |= place.as_json
    if isinstance(place, Chat) and (photo := place.user.photo) is not None:
        sizes = {f"{size}_file_id": photo.file_id for size in ("small", "big")}
        fields["photo"] = sizes | {f"{size}_file_unique_id": photo.unique_id for size in ("small", "big")}
    if isinstance(place, Seat):
        group = place.group
        fields["description"] = group.description or None
        fields["parent_chat"] = None if group.parent is None else group.parent.as_json
        fields["can_send_paid_media"] = True if group.kind == "channel" else None
        if group.kind != "channel":
            fields["permissions"] = {name: name in group.permissions for name in sorted(PERMISSIONS)}
        if place.member.can("can_invite_users"):
            fields["invite_link"] = next(url for url, link in group.links.items() if link.is_primary)
    pinned = place.group.pinned if isinstance(place, Seat) else place.pinned
    post = request.world.chats.find(pinned[-1]) if pinned else None
    fields["pinned_message"] = None if post is None else dump(post.message)
    return Done(dump(build(types.ChatFullInfo, **fields)))


@simulated("Every status. Somebody who never was in a group has left it.")
def get_chat_member(request: Request) -> Done:
    """What somebody is in a chat."""
    user_id = user_id_of(request)
    access: Access = "read" if user_id == request.bot.id else "members"
    place = request.world.chats.reach(request.bot, request.params.text("chat_id"), access)
    account = account_of(request, user_id, "PARTICIPANT_ID_INVALID")
    if isinstance(place, Seat):
        return Done(place.group.member(account).as_json(place.group.kind))
    if user_id not in {place.id, request.bot.id}:
        raise bad_request("member not found")  # TDL
    return Done(Member(account).as_json("group"))


@simulated("As the Bot API has it; in private chats, both.")
def get_chat_member_count(request: Request) -> Done:
    """How many there are."""
    place = _among_members(request)
    return Done(2 if isinstance(place, Chat) else sum(1 for _ in place.group.present()))


@simulated("The owner and everybody with rights, but no other bots, as the Bot API has it.")
def get_chat_administrators(request: Request) -> Done:
    """Who runs a group."""
    place = _among_members(request)
    if isinstance(place, Chat):
        raise bad_request("there are no administrators in the private chat")  # SRV
    bots = request.world.accounts.bots
    others = {bot_id for bot_id in bots if bot_id != request.bot.id}
    admins = [member for member in place.group.present() if member.is_admin and member.account.id not in others]
    return Done([member.as_json(place.group.kind) for member in admins])


@simulated("Groups, supergroups and channels; `my_chat_member` tells it.")
def leave_chat(request: Request) -> Done:
    """Leave a group."""
    place = request.world.chats.reach(request.bot, request.params.text("chat_id"), "members")
    if isinstance(place, Chat):
        raise bad_request("chat member status can't be changed in private chats")  # TDL
    request.world.memberships.change(place.group, Member(request.bot, "left"), by=request.bot)
    return Done(True)


@simulated("With the right to, and the service message.")
def set_chat_title(request: Request) -> Done:
    """Rename a group."""
    title = request.params.text("title").strip()
    seat = _changeable(request)
    if not title:
        raise bad_request("title must be non-empty")  # TDL
    if len(title) > TITLE_MAX_CHARS:
        raise bad_request("CHAT_TITLE_TOO_LONG")  # UNVERIFIED word
    if title == seat.group.title:
        return Done(True)
    seat.group.title = title
    request.world.chats.post(seat, {"new_chat_title": title}, by_bot=True)
    return Done(True)


@simulated("With the right to.")
def set_chat_description(request: Request) -> Done:
    """Describe a group."""
    description = request.params.text("description")
    seat = _changeable(request)
    if len(description) > DESCRIPTION_MAX_CHARS:
        raise bad_request("CHAT_ABOUT_TOO_LONG")  # ERR
    if description == seat.group.description:
        raise bad_request("chat description is not modified")  # SRV maps CHAT_ABOUT_NOT_MODIFIED
    seat.group.description = description
    return Done(True)


def user_id_of(request: Request) -> int:
    """The user whom a call names.

    Raises:
        Refusal: nobody (SRV: get_user_id).
    """
    user_id = request.params.integer("user_id")
    if user_id <= 0:
        raise bad_request("invalid user_id specified")
    return user_id


def account_of(request: Request, user_id: int, otherwise: str = "user not found") -> BotAccount | UserAccount:
    """Whoever has this id.

    Raises:
        Refusal: nobody.
    """
    accounts = request.world.accounts
    found = accounts.users.get(user_id) or accounts.bots.get(user_id)
    if found is None:
        raise bad_request(otherwise)
    return found


def _among_members(request: Request) -> Place:
    return request.world.chats.reach(request.bot, request.params.text("chat_id"), "members")


def _changeable(request: Request) -> Seat:
    place = request.world.chats.writable(request.bot, request.params.text("chat_id"))
    if isinstance(place, Chat):
        raise bad_request("can't change private chat title")  # TDL, of titles; UNVERIFIED of descriptions
    require_right(place, "can_change_info")  # UNVERIFIED: that descriptions have the same words
    return place


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "getChat": get_chat,
        "getChatAdministrators": get_chat_administrators,
        "getChatMember": get_chat_member,
        "getChatMemberCount": get_chat_member_count,
        "leaveChat": leave_chat,
        "setChatDescription": set_chat_description,
        "setChatTitle": set_chat_title,
    }
)

"""Whether a bot may use a chat (SRV: check_chat_access)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from neonpay.simulator.chats.groups import Seat
from neonpay.simulator.wire.refusal import bad_request, forbidden

if TYPE_CHECKING:
    from neonpay.simulator.chats.places import Place
    from neonpay.simulator.chats.posts import Post

Access: TypeAlias = Literal["read", "members", "edit", "write"]
"""What for: look at it, at who is in it, change messages in it, or write into it."""


def check_access(place: Place, access: Access) -> None:
    """Refuse a bot that may not.

    Raises:
        Refusal: in Telegram's words.
    """
    if isinstance(place, Seat):
        _check_seat(place, access)
    elif access in {"edit", "write"}:
        if place.blocked:
            raise forbidden("bot was blocked by the user")  # SRV maps USER_IS_BLOCKED
        if not place.started:
            raise forbidden("bot can't initiate conversation with a user")  # TDL maps PEER_ID_INVALID


_MISSING_RIGHTS: Final = {
    "can_restrict_members": "not enough rights to restrict/unrestrict chat member",
    "can_invite_users": "not enough rights to manage chat invite link",
    "can_pin_messages": "not enough rights to manage pinned messages in the chat",
    "can_change_info": "not enough rights to change chat title",
}
"""TDL; seen live."""


def require_right(seat: Seat, right: str, words: str = "") -> None:
    """Refuse a bot without this right of an administrator.

    Raises:
        Refusal: it has it not.
    """
    if not seat.member.can(right):
        raise bad_request(words or _MISSING_RIGHTS.get(right, "not enough rights"))


def require_voice(place: Place, permission: str = "can_send_messages") -> None:
    """Refuse a bot that may not speak where it sits.

    Raises:
        Refusal: only administrators with the right post in channels, and members of groups can be restricted.
    """
    if not isinstance(place, Seat):
        return
    member, group = place.member, place.group
    if group.kind == "channel":
        if not member.can("can_post_messages"):
            # Seen live by many a bot; TDL, can_send_message_content.
            raise bad_request("need administrator rights in the channel chat")
    elif not member.is_admin:
        allowed = member.permissions if member.status == "restricted" else group.permissions
        if permission not in allowed:
            what = permission.removeprefix("can_send_").replace("_", " ")
            what = {"messages": "text messages", "other messages": "stickers"}.get(what, what)
            # TDL; seen live of text messages, photos and videos, the other kinds by analogy.
            raise bad_request(f"not enough rights to send {what} to the chat")


def can_delete(place: Place, post: Post) -> bool:
    """Whether a bot may delete a message, its age aside (API, deleteMessage)."""
    if not isinstance(place, Seat):
        return True
    return post.author_id == place.bot.id or place.member.can("can_delete_messages")


def _check_seat(seat: Seat, access: Access) -> None:
    member, kind = seat.member, seat.group.kind
    if member.status == "kicked" and (kind != "group" or access != "read"):
        raise forbidden(f"bot was kicked from the {kind} chat")
    if not member.is_in and (access != "read" or not (kind == "group" or seat.group.is_public)):
        raise forbidden(f"bot is not a member of the {kind} chat")

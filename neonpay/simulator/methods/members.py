"""What a bot does to the members of its groups."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from neonpay.simulator.calls.requests import Done, Method, Request
from neonpay.simulator.chats.access import require_right
from neonpay.simulator.chats.groups import PERMISSIONS, Member, Seat, rights_in
from neonpay.simulator.methods.chats import account_of, user_id_of
from neonpay.simulator.methods.depth import simulated
from neonpay.simulator.wire.params import INT32_MAX
from neonpay.simulator.wire.refusal import Unreadable, bad_request, inside
from neonpay.simulator.wire.urls import checked_link

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.chats.accounts import UserAccount
    from neonpay.simulator.chats.groups import GroupKind
    from neonpay.simulator.members.join_queries import JoinQuery

BAN_MIN_S: Final = 30
BAN_MAX_S: Final = 366 * 86_400
"""A ban or restriction that is shorter or longer is for ever (API, banChatMember)."""
TITLE_MAX_CHARS: Final = 16
"""Longest title of an administrator (API, setChatAdministratorCustomTitle)."""
_MEDIA: Final = ("audios", "documents", "photos", "videos", "video_notes", "voice_notes")


@simulated("Until the date; the ban ends by itself. Messages stay whatever revoke_messages says.")
def ban_chat_member(request: Request) -> Done:
    """Remove somebody and let them not come back."""
    user_id = user_id_of(request)
    seat = _seat(request, "can_restrict_members")
    account = account_of(request, user_id, "PARTICIPANT_ID_INVALID")
    _spare_admins(seat.group.member(account))
    banned = Member(account, "kicked", until_date=_until(request))
    request.world.memberships.change(seat.group, banned, by=request.bot)
    return Done(True)


@simulated("Without only_if_banned it removes a member, as the Bot API has it.")
def unban_chat_member(request: Request) -> Done:
    """Let somebody come back."""
    user_id = user_id_of(request)
    seat = _seat(request, "can_restrict_members", kinds=("supergroup", "channel"))
    account = account_of(request, user_id, "PARTICIPANT_ID_INVALID")
    member = seat.group.member(account)
    if request.params.boolean("only_if_banned") and member.status != "kicked":
        return Done(True)
    _spare_admins(member)
    request.world.memberships.change(seat.group, Member(account, "left"), by=request.bot)
    return Done(True)


@simulated("Every permission, until the date; people who may not write cannot.")
def restrict_chat_member(request: Request) -> Done:
    """Take permissions away from a member."""
    user_id = user_id_of(request)
    permissions = _permissions(request)
    seat = _seat(request, "can_restrict_members", kinds=("supergroup",))
    account = account_of(request, user_id, "PARTICIPANT_ID_INVALID")
    member = seat.group.member(account)
    if account is request.bot:
        raise bad_request("can't restrict self")  # TDL
    _spare_admins(member)
    if permissions >= PERMISSIONS and member.is_in:
        new = Member(account)
    else:
        until = _until(request)
        new = Member(account, "restricted", permissions=permissions, until_date=until, stays=member.is_in)
    request.world.memberships.change(seat.group, new, by=request.bot)
    return Done(True)


@simulated("Every right; none at all takes them back.")
def promote_chat_member(request: Request) -> Done:
    """Make somebody an administrator, or no longer."""
    params, user_id = request.params, user_id_of(request)
    seat = _seat(request, "can_promote_members", kinds=("supergroup", "channel"))
    account = account_of(request, user_id, "PARTICIPANT_ID_INVALID")
    member = seat.group.member(account)
    if account is request.bot:
        raise bad_request("can't promote self")  # TDL
    if member.status == "creator":
        raise bad_request("can't remove chat owner")  # TDL
    every = rights_in(seat.group.kind)
    rights = frozenset(name for name in (*every, "is_anonymous") if params.boolean(name))
    if rights - every - {"is_anonymous"} - seat.member.rights:
        raise bad_request("RIGHT_FORBIDDEN")  # ERR: not more than it has itself
    if not rights:
        new = Member(account) if member.is_in else member
    else:
        new = Member(account, "administrator", rights | {"can_manage_chat"}, custom_title=member.custom_title)
    request.world.memberships.change(seat.group, new, by=request.bot)
    return Done(True)


@simulated("As the Bot API has it.")
def set_chat_administrator_custom_title(request: Request) -> Done:
    """Give an administrator a title."""
    user_id, title = user_id_of(request), request.params.text("custom_title")
    seat = _seat(request, "can_promote_members", kinds=("supergroup",))
    member = seat.group.member(account_of(request, user_id, "PARTICIPANT_ID_INVALID"))
    if member.status == "creator":
        raise bad_request("only creator can edit their custom title")  # SRV
    if member.status != "administrator":
        raise bad_request("user is not an administrator")  # SRV
    if len(title) > TITLE_MAX_CHARS:
        raise bad_request("CUSTOM_TITLE_INVALID")  # TDL
    seat.group.members[user_id] = replace(member, custom_title=title)
    return Done(True)


@simulated("As the Bot API has it.")
def set_chat_permissions(request: Request) -> Done:
    """Set what members may do by default."""
    if not request.params.has("permissions"):
        raise bad_request('parameter "permissions" is required')  # UNVERIFIED: SRV takes none for no permissions
    permissions = _permissions(request)
    seat = _seat(request, "can_restrict_members", kinds=("group", "supergroup"))
    seat.group.permissions = permissions
    return Done(True)


@simulated("Of people who came by a link that asks; `Buyer.joins` says `asked`.")
def approve_chat_join_request(request: Request) -> Done:
    """Let somebody in who asks."""
    seat, person = _requester(request)
    link = seat.group.requests.pop(person.id)
    link.pending -= 1
    request.world.memberships.change(seat.group, Member(person), by=request.bot, link=link, via_request=True)
    return Done(True)


@simulated("Of people who came by a link that asks.")
def decline_chat_join_request(request: Request) -> Done:
    """Let somebody not in who asks."""
    seat, person = _requester(request)
    seat.group.requests.pop(person.id).pending -= 1
    return Done(True)


@simulated(
    "Of bots that are the `guard` of a group, `group.guard = shop`, within ten virtual seconds: `approve`, `decline`, `queue`. "
    "The administrators are told of a request only when it is queued, or not answered, which is UNVERIFIED."
)
def answer_chat_join_request_query(request: Request) -> Done:
    """Decide, as a guard, on somebody who asks to be let in."""
    result = request.params.required("result")
    query = _join_query(request)
    if result not in {"approve", "decline", "queue"}:
        raise bad_request("invalid result specified")  # API has the words. UNVERIFIED: those of the refusal
    request.world.memberships.join_queries.end(query)
    if result == "queue":
        query.queue()
        return Done(True)
    link = query.group.requests.pop(query.person.id)
    link.pending -= 1
    if result == "approve":
        memberships = request.world.memberships
        memberships.change(query.group, Member(query.person), by=request.bot, link=link, via_request=True)
    return Done(True)


@simulated("`Buyer.join_web_app` has the address; `answerChatJoinRequestQuery` ends it, however late.")
def send_chat_join_request_web_app(request: Request) -> Done:
    """Show a Mini App, as a guard, to somebody who asks to be let in."""
    given = request.params.required("web_app_url")
    query = _join_query(request)
    try:
        query.web_app_url = checked_link(given, https_only=True)
    except Unreadable as unreadable:
        raise bad_request(f"Web App {unreadable.reason}") from unreadable  # UNVERIFIED words, those of other Mini Apps
    request.world.bell.ring()
    return Done(True)


def _join_query(request: Request) -> JoinQuery:
    query_id = request.params.required("chat_join_request_query_id")
    query = request.world.memberships.join_queries.waiting(query_id, request.bot)
    if query is None:
        raise bad_request(
            "query is too old and response timeout expired or query ID is invalid"
        )  # SRV: QUERY_ID_INVALID
    return query


def _requester(request: Request) -> tuple[Seat, UserAccount]:
    user_id = user_id_of(request)
    seat = _seat(
        request,
        "can_invite_users",
        refused="the chat can't have join requests",
        words="not enough rights to manage chat join requests",
    )  # TDL
    person = request.world.accounts.users.get(user_id)
    if person is None or user_id not in seat.group.requests:
        joined = person is not None and seat.group.member(person).is_in
        raise bad_request("USER_ALREADY_PARTICIPANT" if joined else "HIDE_REQUESTER_MISSING")  # ERR
    return seat, person


def _seat(
    request: Request,
    right: str,
    *,
    kinds: tuple[GroupKind, ...] = ("group", "supergroup", "channel"),
    refused: str = "can't ban members in private chats",
    words: str = "",
) -> Seat:
    place = request.world.chats.writable(request.bot, request.params.text("chat_id"))
    if not isinstance(place, Seat) or place.group.kind not in kinds:
        if kinds == ("supergroup",):
            raise bad_request("method is available only for supergroups")  # SRV
        if kinds == ("supergroup", "channel"):
            raise bad_request("method is available for supergroup and channel chats only")  # SRV
        raise bad_request(refused)
    require_right(place, right, words)
    return place


def _spare_admins(member: Member) -> None:
    if member.status == "creator":
        raise bad_request("can't remove chat owner")  # seen live; TDL
    if member.status == "administrator":
        raise bad_request("user is an administrator of the chat")  # SRV maps USER_ADMIN_INVALID


def _until(request: Request) -> int:
    until, now = request.params.integer("until_date", maximum=INT32_MAX), request.world.clock.now()
    return until if BAN_MIN_S <= until - now <= BAN_MAX_S else 0


def _permissions(request: Request) -> frozenset[str]:
    said = request.params.fields("permissions", "permissions", "Object expected as permissions")
    if said is None:
        return frozenset(name for name in PERMISSIONS if request.params.boolean(name))  # legacy, SRV
    with inside("Can't parse chat permissions"):
        found = {name for name in sorted(PERMISSIONS) if said.flag(name)}
    if said.any("can_send_media_messages") is True:
        found |= {f"can_send_{name}" for name in _MEDIA}
    if not request.params.boolean("use_independent_chat_permissions"):
        found |= _implied(found)
    return frozenset(found)


def _implied(found: set[str]) -> set[str]:
    # As get_chat_permissions of the server has it (SRV).
    media = {f"can_send_{name}" for name in _MEDIA}
    implied = media if found & {"can_send_other_messages", "can_add_web_page_previews"} else set()
    if implied or found & {"can_send_polls", *media}:
        implied = implied | {"can_send_messages"}
    return implied


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "answerChatJoinRequestQuery": answer_chat_join_request_query,
        "approveChatJoinRequest": approve_chat_join_request,
        "banChatMember": ban_chat_member,
        "declineChatJoinRequest": decline_chat_join_request,
        "promoteChatMember": promote_chat_member,
        "restrictChatMember": restrict_chat_member,
        "sendChatJoinRequestWebApp": send_chat_join_request_web_app,
        "setChatAdministratorCustomTitle": set_chat_administrator_custom_title,
        "setChatPermissions": set_chat_permissions,
        "unbanChatMember": unban_chat_member,
    }
)

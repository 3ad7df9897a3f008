"""Signing in as a bot, and asking who somebody is."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from neonpay.simulator.chats.accounts import BotAccount
from neonpay.simulator.mtproto.peers import user_of, write_user
from neonpay.simulator.mtproto.refusals import RpcRefusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.chats.accounts import UserAccount
    from neonpay.simulator.mtproto.asked import Asked, Method
    from neonpay.simulator.mtproto.tl import TlObject

_CONFIG_LIFETIME_S: Final = 3600


async def import_bot_authorization(asked: Asked) -> TlObject:
    """Sign in with a bot's token."""
    line = asked.line
    bot = line.world.accounts.bot_with_token(asked.request.bot_auth_token)
    if bot is None:
        raise RpcRefusal(400, "ACCESS_TOKEN_INVALID")
    line.sign_in(bot)
    return line.tl.make("auth.Authorization", user=write_user(line.tl, bot, bot))


async def log_out(asked: Asked) -> TlObject:
    """End the session."""
    asked.line.sign_out()
    return asked.line.tl.make("auth.LoggedOut")


async def get_config(asked: Asked) -> TlObject:
    """Where the data centre is: one that nobody connects to."""
    tl, now = asked.line.tl, int(asked.line.world.clock.now())
    here = tl.make("DcOption", id=2, ip_address="127.0.0.1", port=443)
    return tl.make_filled("Config", date=now, expires=now + _CONFIG_LIFETIME_S, this_dc=2, dc_options=[here])


async def get_users(asked: Asked) -> TlObject:
    """Whoever is asked for, as far as the bot has met them."""
    tl, accounts = asked.line.tl, asked.line.world.accounts
    found = [user_of(tl, peer, asked.me, accounts) for peer in asked.request.id]
    return [write_user(tl, account, asked.me) for account in found if _is_known(asked, account)]


async def get_full_user(asked: Asked) -> TlObject:
    """One user with what else is known of them, which here is nothing."""
    tl = asked.line.tl
    account = user_of(tl, asked.request.id, asked.me, asked.line.world.accounts)
    full = tl.make(
        "UserFull",
        id=account.id,
        settings=tl.make("PeerSettings"),
        notify_settings=tl.make("PeerNotifySettings"),
        common_chats_count=0,
    )
    return tl.make("users.UserFull", full_user=full, chats=[], users=[write_user(tl, account, asked.me)])


async def resolve_username(asked: Asked) -> TlObject:
    """Who has a username; bots and people, no groups."""
    tl, accounts = asked.line.tl, asked.line.world.accounts
    wanted = asked.request.username.removeprefix("@").lower()
    everybody: tuple[BotAccount | UserAccount, ...] = (*accounts.users.values(), *accounts.bots.values())
    found = next((one for one in everybody if (one.username or "").lower() == wanted), None)
    if found is None:
        raise RpcRefusal(400, "USERNAME_NOT_OCCUPIED")
    users = [write_user(tl, found, asked.me)]
    return tl.make("contacts.ResolvedPeer", peer=tl.make("PeerUser", user_id=found.id), chats=[], users=users)


def _is_known(asked: Asked, account: object) -> bool:
    if isinstance(account, BotAccount):
        return True
    chats, users = asked.line.world.chats, asked.line.world.accounts.users
    return any(user is account and chats.between(asked.me, user).known for user in users.values())


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "auth.ImportBotAuthorization": import_bot_authorization,
        "auth.LogOut": log_out,
        "contacts.ResolveUsername": resolve_username,
        "help.GetConfig": get_config,
        "users.GetFullUser": get_full_user,
        "users.GetUsers": get_users,
    }
)

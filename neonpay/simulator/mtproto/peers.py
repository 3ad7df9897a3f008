"""People and bots as MTProto names them: an id, and a hash that proves that one was told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from neonpay.simulator.chats.accounts import BotAccount
from neonpay.simulator.mtproto.refusals import RpcRefusal

if TYPE_CHECKING:
    from neonpay.simulator.chats.accounts import Accounts, UserAccount
    from neonpay.simulator.mtproto.tl import Tl, TlObject

_SELF_NAMES: Final = frozenset({"InputUserSelf", "InputPeerSelf"})
_USER_NAMES: Final = frozenset({"InputUser", "InputPeerUser"})
_GOLDEN: Final = 0x9E3779B97F4A7C15
_POSITIVE: Final = 2**63 - 1


def access_hash(bot: BotAccount, user_id: int) -> int:
    """What this bot proves with that it was told of a user."""
    return (user_id * _GOLDEN ^ bot.id) & _POSITIVE


def user_of(tl: Tl, peer: TlObject, bot: BotAccount, accounts: Accounts) -> BotAccount | UserAccount:
    """Whom a bot means.

    Raises:
        RpcRefusal: nobody, or somebody whom the hash does not belong to; a bot may leave the hash out, which is 0.
    """
    name = tl.name_of(peer)
    if name in _SELF_NAMES:
        return bot
    if name not in _USER_NAMES or peer.access_hash not in {0, access_hash(bot, peer.user_id)}:
        raise RpcRefusal(400, "PEER_ID_INVALID")
    found = accounts.users.get(peer.user_id)
    if found is None:
        if peer.user_id != bot.id:
            raise RpcRefusal(400, "PEER_ID_INVALID")
        return bot
    return found


def write_user(tl: Tl, account: BotAccount | UserAccount, bot: BotAccount) -> TlObject:
    """A ``User`` as this bot is told of them."""
    is_bot = isinstance(account, BotAccount)
    return tl.make(
        "User",
        id=account.id,
        is_self=account.id == bot.id or None,
        bot=is_bot or None,
        bot_info_version=1 if is_bot else None,
        access_hash=access_hash(bot, account.id),
        first_name=account.name if isinstance(account, BotAccount) else account.first_name,
        username=account.username,
        lang_code=getattr(account, "language_code", None),
    )

"""Links that lead into groups and channels."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiogram import types

from neonpay.simulator.wire.objects import build, dump

if TYPE_CHECKING:
    from random import Random

    from neonpay.simulator.chats.accounts import BotAccount, UserAccount

PREFIX: Final = "https://t.me/+"
_LETTERS: Final = string.ascii_letters + string.digits + "_-"
_HASH_CHARS: Final = 16


@dataclass(slots=True, eq=False)
class InviteLink:
    """An invitation.

    Attributes:
        url: where it leads.
        expire_date: Unix time, 0 for never.
        member_limit: how many it lets in, 0 for any number.
        subscription_period_s: length of a paid period, 0 when joining is free.
        joined: ids of those who came by it.
    """

    url: str
    creator: BotAccount | UserAccount
    is_primary: bool = False
    name: str = ""
    expire_date: int = 0
    member_limit: int = 0
    creates_join_request: bool = False
    is_revoked: bool = False
    subscription_period_s: int = 0
    subscription_price_stars: int = 0
    joined: frozenset[int] = frozenset()
    pending: int = 0

    @property
    def as_json(self) -> dict[str, object]:
        """The ``ChatInviteLink`` object."""
        return dump(
            build(
                types.ChatInviteLink,
                invite_link=self.url,
                creator=self.creator.as_user,
                creates_join_request=self.creates_join_request,
                is_primary=self.is_primary,
                is_revoked=self.is_revoked,
                name=self.name or None,
                expire_date=self.expire_date or None,
                member_limit=self.member_limit or None,
                pending_join_request_count=self.pending or None,
                subscription_period=self.subscription_period_s or None,
                subscription_price=self.subscription_price_stars or None,
            )
        )

    def refuses(self, now: float) -> str:
        """Why it lets nobody in; empty when it does."""
        if self.is_revoked:
            return "was revoked"
        if self.expire_date and now >= self.expire_date:
            return "has expired"
        if self.member_limit and len(self.joined) >= self.member_limit:
            return "has let in as many as it may"
        return ""


def new_url(random: Random) -> str:
    """The address of a new link."""
    return PREFIX + "".join(random.choices(_LETTERS, k=_HASH_CHARS))

"""Which shops the pages are about: one bot of the ledger, or several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from neonpay.app import NeonPayCore
from neonpay.ledger import Ledger
from neonpay.web.scope import scope_of


@dataclass(frozen=True, slots=True)
class Shops:
    """The applications that the pages read and act through, one for each bot.

    Attributes:
        each: those of one ledger; the first is the one that the program has.
    """

    each: Sequence[NeonPayCore]

    @property
    def ledger(self) -> Ledger:
        """The database that all of them share; of an application that was opened."""
        return self.each[0].program.pipeline.ledger

    @property
    def bot_ids(self) -> list[int]:
        """The bots that pages may show."""
        return [shop.program.adapter.bot_id for shop in self.each]

    @property
    def admins(self) -> set[int]:
        """User ids of those who own one of the bots."""
        return set(self.by_admin)

    @property
    def by_admin(self) -> dict[int, NeonPayCore]:
        """Every owner, with a bot that may write to them."""
        return {admin: shop for shop in reversed(self.each) for admin in shop.admins}

    def of_bot(self, bot_id: int) -> NeonPayCore:
        """The application of a bot; raises aiohttp's HTTPNotFound when these pages are not about it."""
        for shop in self.each:
            if shop.program.adapter.bot_id == bot_id:
                return shop
        raise web.HTTPNotFound


SHOPS: Final = web.AppKey("SHOPS", Shops)


def shops(request: web.Request) -> Shops:
    """The shops of the pages that are asked for."""
    return request.config_dict[SHOPS]


def bots_in_scope(request: web.Request) -> list[int]:
    """The bots that the address is about: the one that it names, or all.

    Raises:
        aiohttp.web.HTTPNotFound: it names a bot that these pages are not about.
    """
    known, named = shops(request).bot_ids, scope_of(request).bot_id
    if named is None:
        return known
    if named not in known:
        raise web.HTTPNotFound
    return [named]

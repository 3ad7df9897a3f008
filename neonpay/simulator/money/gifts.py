"""Gifts that bots buy for people and channels with their Stars.

Telegram's own catalogue changes by the week, so a simulator's is its own: three gifts that never run out and one that does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiogram import types

from neonpay.simulator.wire.objects import build, dump

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from neonpay.simulator.chats.accounts import BotAccount

PREMIUM_PRICES: Final = {3: 1000, 6: 1500, 12: 2500}
"""Stars by months of Telegram Premium (API, giftPremiumSubscription)."""
TEXT_MAX_CHARS: Final = 128
"""Longest text that goes with a gift (API, sendGift)."""
_CATALOGUE: Final = ((15, 0, 0, "🧸"), (50, 0, 0, "💐"), (100, 0, 0, "🏆"), (200, 2500, 10, "🎄"))
"""Price in Stars, price of the upgrade, how many there are (0: any number), emoji."""


@dataclass(slots=True, eq=False)
class GiftKind:
    """A gift of the catalogue.

    Attributes:
        upgrade_stars: what making it unique costs, 0 when it cannot be.
        total: how many there are, 0 for any number.
        left: how many of them are unsold.
    """

    id: str
    stars: int
    upgrade_stars: int
    total: int
    left: int
    sticker: dict[str, object]

    @property
    def as_json(self) -> dict[str, object]:
        """The ``Gift`` object."""
        return dump(
            build(
                types.Gift,
                id=self.id,
                sticker=self.sticker,
                star_count=self.stars,
                upgrade_star_count=self.upgrade_stars or None,
                total_count=self.total or None,
                remaining_count=self.left if self.total else None,
            )
        )


@dataclass(frozen=True, slots=True)
class OwnedGift:
    """A gift that somebody has got.

    Attributes:
        given_at: virtual Unix time.
        prepaid_upgrade_stars: what the giver paid for the upgrade.
    """

    kind: GiftKind
    sender: BotAccount
    given_at: int
    text: str = ""
    entities: Sequence[dict[str, object]] = ()
    prepaid_upgrade_stars: int = 0

    @property
    def as_json(self) -> dict[str, object]:
        """The ``OwnedGiftRegular`` object."""
        return dump(
            build(
                types.OwnedGiftRegular,
                type="regular",
                gift=self.kind.as_json,
                sender_user=self.sender.as_user,
                send_date=self.given_at,
                text=self.text or None,
                entities=list(self.entities) or None,
                is_saved=True,
                can_be_upgraded=True if self.kind.upgrade_stars else None,
                prepaid_upgrade_star_count=self.prepaid_upgrade_stars or None,
            )
        )


class Gifts:
    """The catalogue, and who owns what: people and channels by the id of their chat."""

    def __init__(self, random: Random) -> None:
        self.catalogue: dict[str, GiftKind] = {}
        self.owned: dict[int, list[OwnedGift]] = {}
        for stars, upgrade_stars, total, emoji in _CATALOGUE:
            number = str(random.randrange(5 * 10**18, 6 * 10**18))
            self.catalogue[number] = GiftKind(number, stars, upgrade_stars, total, total, _sticker(number, emoji))

    def give(self, owner_id: int, gift: OwnedGift) -> None:
        """Put a gift where it belongs."""
        if gift.kind.total:
            gift.kind.left -= 1
        self.owned.setdefault(owner_id, []).append(gift)


def _sticker(number: str, emoji: str) -> dict[str, object]:
    return {
        "file_id": f"CAAC{number}", "file_unique_id": f"AQAD{number[-12:]}", "type": "custom_emoji", "width": 512,
        "height": 512, "is_animated": True, "is_video": False, "emoji": emoji, "custom_emoji_id": number,
    }  # fmt: skip

"""The Bot API methods that are simulated, by their documented names."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from neonpay.simulator.methods import (
    bot,
    business,
    chats,
    copies,
    edits,
    files,
    gifts,
    invite_links,
    invoicing,
    members,
    menu,
    messages,
    paid_media,
    polls,
    profile_photos,
    queries,
    stars,
    suggestions,
    topics,
    updating,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.calls.requests import Method

SUBJECTS: Final[Mapping[str, Mapping[str, Method]]] = MappingProxyType(
    {
        "Invoices and payments": {**invoicing.METHODS, **stars.METHODS},
        "Paid media": paid_media.METHODS,
        "Gifts and Premium": gifts.METHODS,
        "Business accounts": business.METHODS,
        "Suggested posts": suggestions.METHODS,
        "Invite links, paid ones too": invite_links.METHODS,
        "Updates": updating.METHODS,
        "Messages": {**messages.METHODS, **files.METHODS, **polls.METHODS},
        "Messages changed, copied, pinned": {**edits.METHODS, **copies.METHODS},
        "Queries": queries.METHODS,
        "Chats and members": {**chats.METHODS, **members.METHODS},
        "Topics of forums": topics.METHODS,
        "The bot itself": {**bot.METHODS, **menu.METHODS, **profile_photos.METHODS},
    }
)
"""The methods, sorted by what they are about."""
SIMULATED: Final[Mapping[str, Method]] = MappingProxyType(
    {name: method for methods in SUBJECTS.values() for name, method in methods.items()}
)
"""Every simulated method; any other method of the Bot API answers 501."""

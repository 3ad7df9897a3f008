"""What a person does on a page: it is asked of the bot's own application, written down, and told on the page that follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from neonpay.core.secrecy import mask
from neonpay.core.text import clean
from neonpay.web.access import viewer

if TYPE_CHECKING:
    from neonpay.app import NeonPayCore
    from neonpay.errors import NeonPayError

_WITHOUT: Final = "none"
DONE: Final = "done"
"""The parameter by which the page after an act knows which one it was."""


def speaks(shop: NeonPayCore) -> bool:
    """Whether this program can ask Telegram for something; one beside the bot may have been started without its token."""
    return shop.program.adapter.library != _WITHOUT


def who_acts(request: web.Request) -> str:
    """Who decides here, in words for the owner and for the ledger."""
    return clean(f"{viewer(request).name} in the dashboard", 100)


def cause(error: NeonPayError) -> str:
    """Why something was not done, fit for a page."""
    return mask(" ".join(str(error).split()))


async def field(request: web.Request, name: str) -> str:
    """What a form says under a name; empty when that is left out, or is a file."""
    found = (await request.post()).get(name, "")
    return found if isinstance(found, str) else ""

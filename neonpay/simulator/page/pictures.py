"""Pictures beside those that bots have sent: of bots and people, and of invoices, which stand at addresses.

An address is asked only when the owner of the simulator has allowed it: whoever stands there learns of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aiohttp

from neonpay.simulator.files.images import content_type_of, pixels
from neonpay.simulator.files.store import PHOTO_MAX_BYTES

if TYPE_CHECKING:
    from neonpay.simulator.world import World

Picture = tuple[bytes, str]
"""Bytes and content type."""
_TIMEOUT_S: Final = 10.0
_KEPT_MAX: Final = 100


class Pictures:
    """Finds them; what was fetched is kept."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._kept: dict[str, Picture] = {}

    def face(self, account_id: int) -> Picture | None:
        """Of a bot or a person."""
        accounts = self._world.accounts
        account = accounts.bots.get(account_id) or accounts.users.get(account_id)
        return None if account is None or account.picture is None else _checked(account.picture)

    async def of_invoice(self, message_id: int) -> Picture | None:
        """What stands at the ``photo_url`` of an invoice; None when nothing is to be fetched, or it is no picture."""
        post = self._world.chats.find(message_id)
        url = "" if post is None or post.invoice is None else post.invoice.photo_url
        if not url or not self._world.fetches_pictures:
            return None
        if url not in self._kept and (fetched := await _fetch(url)) is not None:
            self._kept[url] = fetched
            if len(self._kept) > _KEPT_MAX:
                del self._kept[next(iter(self._kept))]
        return self._kept.get(url)


async def _fetch(url: str) -> Picture | None:
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
            content = bytearray()
            async for piece in response.content.iter_chunked(64 * 1024):
                content += piece
                if len(content) > PHOTO_MAX_BYTES:
                    return None
            return _checked(bytes(content)) if response.ok else None
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
        return None


def _checked(content: bytes) -> Picture | None:
    return None if pixels(content) is None else (content, content_type_of(content))

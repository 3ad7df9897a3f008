"""Pictures beside those in messages: of bots and people, and of invoices, whose pictures stand at addresses.

An address is asked only when the owner of the simulator has allowed it: whoever stands there learns of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aiohttp

from neonpay.errors import SimulatorError
from neonpay.simulator.files.images import pixels
from neonpay.simulator.files.store import PHOTO_MAX_BYTES, About
from neonpay.simulator.wire.params import Upload
from neonpay.simulator.wire.refusal import Refusal

if TYPE_CHECKING:
    from neonpay.simulator.files.store import Files, StoredFile

_TIMEOUT_S: Final = 10.0
_KEPT_MAX: Final = 100
NO_PICTURE: Final = "a picture is a PNG, JPEG, GIF or WebP file"


class Pictures:
    """Finds them; what was fetched is kept.

    Args:
        files: where they are kept.
        fetches: whether addresses may be asked.

    Attributes:
        of_invoices: what was given to an invoice here in the place of what stands at its address, by the message it is in.
    """

    def __init__(self, files: Files, *, fetches: bool) -> None:
        self._files = files
        self.fetches = fetches
        self.of_invoices: dict[int, StoredFile] = {}
        self._fetched: dict[str, StoredFile] = {}

    def given(self, picture: bytes | str) -> StoredFile:
        """The picture that these bytes, or this id of a photo that was sent, stand for.

        Raises:
            SimulatorError: it is no PNG, JPEG, GIF or WebP, or no photo with this id and bytes was sent.
        """
        if isinstance(picture, str):
            file = self._files.find(picture)
            if file is None or file.content is None or file.kind != "photo":
                raise SimulatorError(f"no photo with the id {picture!r} was uploaded")
            return file
        if pixels(picture) is None:
            raise SimulatorError(NO_PICTURE)
        try:
            return self._files.keep("photo", Upload("", picture), About())
        except Refusal as refusal:
            raise SimulatorError(f"a picture has at most {PHOTO_MAX_BYTES} bytes") from refusal

    async def at(self, url: str) -> StoredFile | None:
        """What stands at an address; None when none may be asked, or there is no picture."""
        if not url or not self.fetches:
            return None
        if url not in self._fetched and (content := await _fetch(url)) is not None:
            self._fetched[url] = self.given(content)
            if len(self._fetched) > _KEPT_MAX:
                del self._fetched[next(iter(self._fetched))]
        return self._fetched.get(url)


async def _fetch(url: str) -> bytes | None:
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
            content = bytearray()
            async for piece in response.content.iter_chunked(64 * 1024):
                content += piece
                if len(content) > PHOTO_MAX_BYTES:
                    return None
            return bytes(content) if response.ok and pixels(bytes(content)) is not None else None
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
        return None

"""Files that bots have sent: ids, sizes, and the bytes of uploads."""

from __future__ import annotations

import string
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from neonpay.simulator.refusal import Refusal, bad_request

if TYPE_CHECKING:
    from random import Random

    from neonpay.simulator.params import Params, Upload

PHOTO_MAX_BYTES: Final = 10 * 2**20
"""Largest photo (https://core.telegram.org/bots/api#sendphoto, read 2026-11-20)."""
_UNSEEN_SIZE: Final = (800, 600)
"""Pixels given to a photo sent by address: the simulator opens no connection to look at it."""
_ID_LETTERS: Final = string.ascii_letters + string.digits + "_-"
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG_MARK: Final = b"\xff"
_JPEG_FRAME_STARTS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A photo.

    Attributes:
        content: its bytes; None when it was sent by address.
    """

    file_id: str
    unique_id: str
    path: str
    width: int
    height: int
    content: bytes | None = field(repr=False)
    content_type: str = "image/jpeg"

    @property
    def as_photo(self) -> list[dict[str, object]]:
        """The one size that it has, as ``PhotoSize`` objects."""
        size: dict[str, object] = {
            "file_id": self.file_id, "file_unique_id": self.unique_id, "width": self.width, "height": self.height,
        }  # fmt: skip
        if self.content is not None:
            size["file_size"] = len(self.content)
        return [size]


class Files:
    """Every file by its id."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._by_id: dict[str, StoredFile] = {}

    def photo(self, params: Params, name: str) -> StoredFile:
        """The photo of a call: uploaded, by address, or by the id of one sent before.

        Raises:
            Refusal: there is none, or it is not one.
        """
        upload = params.files.get(name)
        reference = params.text(name)
        if upload is None and reference.startswith("attach://"):
            upload = params.files.get(reference.removeprefix("attach://"))
        if upload is not None:
            return self._keep(upload)
        if not reference:
            raise bad_request("there is no photo in the request")  # SRV
        if reference.startswith(("http://", "https://")):
            return self._add(None, _UNSEEN_SIZE, "image/jpeg")
        if (known := self._by_id.get(reference)) is not None:
            return known
        raise bad_request("wrong file identifier/HTTP URL specified")  # SRV

    def find(self, file_id: str) -> StoredFile | None:
        """The file with this id."""
        return self._by_id.get(file_id)

    def at_path(self, path: str) -> StoredFile | None:
        """The uploaded file that getFile has said is at ``path``."""
        return next((file for file in self._by_id.values() if file.path == path and file.content is not None), None)

    def _keep(self, upload: Upload) -> StoredFile:
        if not upload.content:
            raise bad_request("file must be non-empty")  # SRV
        if len(upload.content) > PHOTO_MAX_BYTES:
            raise Refusal(413, "Request Entity Too Large")
        size = _pixels(upload.content)
        if size is None:
            raise bad_request("IMAGE_PROCESS_FAILED")
        return self._add(upload.content, size, "image/png" if upload.content.startswith(_PNG) else "image/jpeg")

    def _add(self, content: bytes | None, size: tuple[int, int], content_type: str) -> StoredFile:
        file_id = "AgAC" + "".join(self._random.choices(_ID_LETTERS, k=60))
        extension = "png" if content_type == "image/png" else "jpg"
        path = f"photos/file_{len(self._by_id)}.{extension}"
        file = StoredFile(file_id, "AQAD" + file_id[-12:], path, *size, content, content_type)
        self._by_id[file_id] = file
        return file


def _pixels(content: bytes) -> tuple[int, int] | None:
    if content.startswith(_PNG) and len(content) >= 24:  # noqa: PLR2004 - width and height end there
        width, height = struct.unpack(">II", content[16:24])
        return (width, height) if width and height else None
    if content.startswith(b"\xff\xd8"):
        return _jpeg_pixels(content)
    return None


def _jpeg_pixels(content: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(content) and content[at : at + 1] == _JPEG_MARK:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4])
        if marker in _JPEG_FRAME_STARTS:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return (width, height) if width and height else None
        at += 2 + max(length, 2)
    return None

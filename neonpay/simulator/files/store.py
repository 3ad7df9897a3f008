"""Files that were sent: ids, sizes, and the bytes of uploads."""

from __future__ import annotations

import mimetypes
import string
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from neonpay.simulator.files.images import content_type_of, pixels
from neonpay.simulator.files.references import require_address, require_file_id
from neonpay.simulator.wire.refusal import Refusal, bad_request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from neonpay.simulator.wire.params import Params, Upload

FileKind: TypeAlias = Literal["photo", "document", "video", "animation", "audio", "voice", "video_note", "sticker"]

PHOTO_MAX_BYTES: Final = 10 * 2**20
"""Largest photo (https://core.telegram.org/bots/api#sendphoto, read 2026-11-20)."""
FILE_MAX_BYTES: Final = 50 * 2**20
"""Largest other file (https://core.telegram.org/bots/api#sending-files, read 2026-11-20)."""
_UNSEEN_SIZE: Final = (800, 600)
"""Pixels given to a photo sent by address: the simulator opens no connection to look at it."""
_STICKER_SIZE: Final = (512, 512)
_ID_LETTERS: Final = string.ascii_letters + string.digits + "_-"
_ID_STARTS: Final = {
    "photo": "AgAC", "document": "BQAC", "video": "BAAC", "animation": "CgAC", "audio": "CQAC", "voice": "AwAC",
    "video_note": "DQAC", "sticker": "CAAC",
}  # fmt: skip
_TYPES: Final = {
    "photo": "image/jpeg", "document": "application/octet-stream", "video": "video/mp4", "animation": "video/mp4",
    "audio": "audio/mpeg", "voice": "audio/ogg", "video_note": "video/mp4", "sticker": "image/webp",
}  # fmt: skip
_FIELDS: Final = {
    "photo": ("width", "height"),
    "document": ("file_name", "mime_type"),
    "video": ("width", "height", "duration", "file_name", "mime_type"),
    "animation": ("width", "height", "duration", "file_name", "mime_type"),
    "audio": ("duration", "performer", "title", "file_name", "mime_type"),
    "voice": ("duration", "mime_type"),
    "video_note": ("length", "duration"),
    "sticker": ("type", "width", "height", "is_animated", "is_video", "emoji"),
}
"""What the object of each kind says beside its ids and size."""


@dataclass(frozen=True, slots=True)
class About:
    """What a bot says of a file that the simulator cannot see in it."""

    width: int = 0
    height: int = 0
    duration: int = 0
    length: int = 0
    performer: str = ""
    title: str = ""
    emoji: str = ""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file.

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
    kind: FileKind = "photo"
    file_name: str = ""
    about: About = field(default_factory=About)

    @property
    def as_photo(self) -> list[dict[str, object]]:
        """The one size that it has, as ``PhotoSize`` objects."""
        return [self.as_object]

    @property
    def as_object(self) -> dict[str, object]:
        """The object of its kind, such as ``Document``."""
        said = self.about
        known: dict[str, object] = {
            "width": self.width, "height": self.height, "duration": said.duration, "length": said.length or self.width,
            "performer": said.performer, "title": said.title, "emoji": said.emoji, "file_name": self.file_name,
            "mime_type": self.content_type, "type": "regular", "is_animated": self.file_name.endswith(".tgs"),
            "is_video": self.file_name.endswith(".webm"),
        }  # fmt: skip
        fields: dict[str, object] = {"file_id": self.file_id, "file_unique_id": self.unique_id}
        fields |= {name: known[name] for name in _FIELDS[self.kind] if known[name] != ""}
        if self.content is not None:
            fields["file_size"] = len(self.content)
        return fields

    @property
    def as_fields(self) -> dict[str, object]:
        """The field of ``Message`` that it makes."""
        if self.kind == "photo":
            return {"photo": self.as_photo}
        if self.kind == "animation":
            document = replace(self, kind="document").as_object
            return {"animation": self.as_object, "document": document}  # API, Message.animation: for old clients
        return {self.kind: self.as_object}


class Files:
    """Every file by its id."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._by_id: dict[str, StoredFile] = {}

    def __iter__(self) -> Iterator[StoredFile]:
        return iter(self._by_id.values())

    def photo(self, params: Params, name: str) -> StoredFile:
        """The photo of a call: uploaded, by address, or by the id of one sent before.

        Raises:
            Refusal: there is none, or it is not one.
        """
        return self.given(params, "photo", name)

    def given(self, params: Params, kind: FileKind, name: str, about: About | None = None) -> StoredFile:
        """The file that a parameter of a call names or carries.

        Raises:
            Refusal: there is none, or it cannot be one of this kind.
        """
        found = self.named(params, kind, params.text(name), about, upload=params.files.get(name))
        if found is None:
            raise bad_request(f"there is no {kind.replace('_', ' ')} in the request")  # SRV
        return found

    def named(
        self,
        params: Params,
        kind: FileKind,
        reference: str,
        about: About | None = None,
        *,
        upload: Upload | None = None,
    ) -> StoredFile | None:
        """The file of an ``attach://`` reference, an address or an id; else the upload; None when there is none (SRV).

        Raises:
            Refusal: it cannot be a file of this kind.
        """
        about = About() if about is None else about
        if reference.startswith("attach://"):
            upload = params.files.get(reference.removeprefix("attach://"))
        elif "." in reference:
            require_address(reference)
            return self._add(kind, None, _TYPES[kind], about)
        elif reference:
            return self._again(kind, reference)
        return None if upload is None else self.keep(kind, upload, about)

    def keep(self, kind: FileKind, upload: Upload, about: About) -> StoredFile:
        """Store an upload.

        Raises:
            Refusal: it is empty, too large, or no picture where one is needed.
        """
        content = upload.content
        if not content:
            raise bad_request("file must be non-empty")  # SRV
        if len(content) > (PHOTO_MAX_BYTES if kind == "photo" else FILE_MAX_BYTES):
            raise Refusal(413, "Request Entity Too Large")
        if kind == "photo":
            size = pixels(content)
            if size is None:
                raise bad_request("IMAGE_PROCESS_FAILED")
            return self._add(kind, content, content_type_of(content), replace(about, width=size[0], height=size[1]))
        guessed = mimetypes.guess_type(upload.filename)[0]
        content_type = guessed or (_TYPES[kind] if kind != "document" else upload.content_type)
        return self._add(kind, content, content_type, about, file_name=upload.filename)

    def unseen_photo(self) -> StoredFile:
        """A photo that nobody here can look at, such as a frame of a video."""
        return self._add("photo", None, _TYPES["photo"], About())

    def find(self, file_id: str) -> StoredFile | None:
        """The file with this id."""
        return self._by_id.get(file_id)

    def at_path(self, path: str) -> StoredFile | None:
        """The uploaded file that getFile has said is at ``path``."""
        return next((file for file in self._by_id.values() if file.path == path and file.content is not None), None)

    def _again(self, kind: FileKind, file_id: str) -> StoredFile:
        known = self._by_id.get(file_id)
        if known is None:
            require_file_id(file_id)
            raise bad_request("wrong file identifier/HTTP URL specified")  # TDL maps MEDIA_EMPTY
        if known.kind != kind:
            was, now = (word.replace("_", " ").title().replace(" ", "") for word in (known.kind, kind))
            raise bad_request(f"can't use file of type {was} as {now}")  # TDL; API: the type of a file stays
        return known

    def _add(
        self, kind: FileKind, content: bytes | None, content_type: str, about: About, *, file_name: str = ""
    ) -> StoredFile:
        file_id = _ID_STARTS[kind] + "".join(self._random.choices(_ID_LETTERS, k=60))
        suffix = mimetypes.guess_extension(content_type) or ".bin"
        path = f"{kind}s/file_{len(self._by_id)}{suffix}"
        width, height = about.width, about.height
        if kind == "photo" and content is None:
            width, height = _UNSEEN_SIZE
        elif kind == "sticker":
            width, height = _STICKER_SIZE
        unique_id = f"AQAD{file_id[-12:]}"
        file = StoredFile(
            file_id, unique_id, path, width, height, content, content_type.lower(), kind, file_name, about
        )
        self._by_id[file_id] = file
        return file

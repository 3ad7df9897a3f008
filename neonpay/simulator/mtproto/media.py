"""Photos and videos in TL, as far as paid media need them.

A file has a number in TL and an id in the Bot API; here the one follows from the other. Uploads in parts are not simulated:
media come by address, or by the number of what was sent before.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from neonpay.simulator.mtproto.reading import not_simulated
from neonpay.simulator.mtproto.refusals import RpcRefusal
from neonpay.simulator.wire.params import Params

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.files.store import FileKind, Files
    from neonpay.simulator.mtproto.tl import Tl, TlObject

_DC: Final = 2
_POSITIVE: Final = 2**63 - 1
_EXTERNAL: Final[Mapping[str, FileKind]] = {"InputMediaPhotoExternal": "photo", "InputMediaDocumentExternal": "video"}
_KNOWN: Final[Mapping[str, FileKind]] = {"InputMediaPhoto": "photo", "InputMediaDocument": "video"}


def number_of(file_id: str) -> int:
    """A file's number in TL."""
    return int.from_bytes(blake2b(file_id.encode(), digest_size=8).digest(), "big") & _POSITIVE


def upload(tl: Tl, files: Files, media: TlObject, date: int) -> TlObject:
    """The media of messages.uploadMedia, stored: a ``MessageMedia`` that names them.

    Raises:
        SimulatorError: they do not come by address, which is not simulated.
    """
    name = tl.name_of(media)
    if name not in _EXTERNAL:
        raise not_simulated(f"uploading {name}")
    item = read_item(tl, files, media)
    return write_item(tl, item | {item["type"]: _object(files, item)}, date)


def read_item(tl: Tl, files: Files, media: TlObject) -> dict[str, Any]:
    """One of the media to be sold, as ``InputPaidMedia``.

    Raises:
        SimulatorError: media of this kind are not simulated.
        RpcRefusal: there is no file with this number.
    """
    name = tl.name_of(media)
    if name in _EXTERNAL:
        file = files.named(Params(), _EXTERNAL[name], media.url)
        assert file is not None, "an address is a file"
        return {"type": file.kind, "media": file.file_id}
    if name not in _KNOWN:
        raise not_simulated(f"paid media of {name}")
    found = next((file for file in files if number_of(file.file_id) == media.id.id), None)
    if found is None or found.kind != _KNOWN[name]:
        raise RpcRefusal(400, "MEDIA_EMPTY")
    return {"type": found.kind, "media": found.file_id}


def write_paid(tl: Tl, info: Mapping[str, Any], date: int) -> TlObject:
    """A ``PaidMediaInfo`` as the bot that sent it sees it; layers that are older get media that they do not support."""
    if not tl.has("MessageMediaPaidMedia"):
        return tl.make("MessageMediaUnsupported")
    shown = [tl.make("MessageExtendedMedia", media=write_item(tl, item, date)) for item in info["paid_media"]]
    return tl.make("MessageMediaPaidMedia", stars_amount=info["star_count"], extended_media=shown)


def write_item(tl: Tl, item: Mapping[str, Any], date: int) -> TlObject:
    """A photo or a video as ``MessageMedia``."""
    if item["type"] == "photo":
        sizes = [tl.make("PhotoSize", type="x", w=size["width"], h=size["height"], size=size.get("file_size", 0))
                 for size in item["photo"]]  # fmt: skip
        photo = tl.make("Photo", sizes=sizes, date=date, **_place(item["photo"][-1]["file_id"]))
        return tl.make("MessageMediaPhoto", photo=photo)
    video = item["video"]
    moving = tl.make(
        "DocumentAttributeVideo",
        duration=video["duration"],
        w=video["width"],
        h=video["height"],
        supports_streaming=True,
    )
    document = tl.make(
        "Document",
        date=date,
        mime_type=video.get("mime_type", "video/mp4"),
        size=video.get("file_size", 0),
        attributes=[moving],
        **_place(video["file_id"]),
    )
    return tl.make("MessageMediaDocument", document=document)


def _object(files: Files, item: Mapping[str, Any]) -> object:
    file = files.find(item["media"])
    assert file is not None, "it was stored just now"
    return file.as_photo if file.kind == "photo" else file.as_object


def _place(file_id: str) -> dict[str, Any]:
    return {"id": number_of(file_id), "access_hash": 0, "file_reference": b"\0", "dc_id": _DC}

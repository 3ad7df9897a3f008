"""Messages that hold files, and where files can be downloaded."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aiogram import types

from neonpay.simulator.calls.requests import Done, Method, Request
from neonpay.simulator.calls.sending import post, read_destination, send
from neonpay.simulator.files.media import album, media_content
from neonpay.simulator.methods.depth import simulated
from neonpay.simulator.wire.objects import build, dump
from neonpay.simulator.wire.refusal import bad_request, not_simulated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.files.store import FileKind

DOWNLOAD_MAX_BYTES: Final = 20 * 2**20
"""Largest file that a bot can download (API, getFile)."""
_INPUTS = "By upload, `attach://`, address or file id; nothing is fetched from an address."


def _send(request: Request, kind: FileKind, permission: str) -> Done:
    content = media_content(request.world.files, request.params, kind)
    return Done(dump(send(request, content, permission=permission).message))


@simulated(
    f"{_INPUTS} One size, with the pixels of an uploaded PNG, JPEG, GIF or WebP.", refuses="Pictures of other types."
)
def send_photo(request: Request) -> Done:
    """Put a photo into a chat."""
    return _send(request, "photo", "can_send_photos")


@simulated(f"{_INPUTS} No thumbnail is made.")
def send_document(request: Request) -> Done:
    """Put a file into a chat."""
    return _send(request, "document", "can_send_documents")


@simulated(f"{_INPUTS} Size and length are what the call says.")
def send_video(request: Request) -> Done:
    """Put a video into a chat."""
    return _send(request, "video", "can_send_videos")


@simulated(f"{_INPUTS} Size and length are what the call says.")
def send_animation(request: Request) -> Done:
    """Put a GIF, or a video without sound, into a chat."""
    return _send(request, "animation", "can_send_other_messages")


@simulated(f"{_INPUTS} Length, title and performer are what the call says.")
def send_audio(request: Request) -> Done:
    """Put music into a chat."""
    return _send(request, "audio", "can_send_audios")


@simulated(f"{_INPUTS} The length is what the call says.")
def send_voice(request: Request) -> Done:
    """Put a voice message into a chat."""
    return _send(request, "voice", "can_send_voice_notes")


@simulated(f"{_INPUTS} Size and length are what the call says.")
def send_video_note(request: Request) -> Done:
    """Put a round video into a chat."""
    return _send(request, "video_note", "can_send_video_notes")


@simulated(f"{_INPUTS} Every sticker is a regular one of no set.")
def send_sticker(request: Request) -> Done:
    """Put a sticker into a chat."""
    return _send(request, "sticker", "can_send_other_messages")


@simulated("Two to ten, or one, photos and videos, documents, or audio files.", refuses="Live photos.")
def send_media_group(request: Request) -> Done:
    """Put an album into a chat."""
    contents = album(request.world.files, request.params)
    destination = read_destination(request, messages=len(contents))
    group_id = str(request.world.random.randrange(10**16, 10**17)) if len(contents) > 1 else None
    posts = [post(request, destination, content | {"media_group_id": group_id}) for content in contents]
    return Done([dump(one.message) for one in posts])


@simulated(
    "Of uploads, by bots and people; the path is good for as long as the simulator runs.",
    refuses="Files that were sent by address.",
)
def get_file(request: Request) -> Done:
    """Where a file can be downloaded."""
    file_id = request.params.text("file_id")
    if not file_id:
        raise bad_request("file_id not specified")  # SRV
    file = request.world.files.find(file_id)
    if file is None:
        raise bad_request("invalid file_id")
    if file.content is None:
        raise not_simulated("the content of a file that was sent by its address")
    if len(file.content) > DOWNLOAD_MAX_BYTES:
        raise bad_request("file is too big")  # SRV
    fields = {"file_id": file.file_id, "file_unique_id": file.unique_id, "file_size": len(file.content)}
    return Done(dump(build(types.File, **fields, file_path=file.path)))


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "getFile": get_file,
        "sendAnimation": send_animation,
        "sendAudio": send_audio,
        "sendDocument": send_document,
        "sendMediaGroup": send_media_group,
        "sendPhoto": send_photo,
        "sendSticker": send_sticker,
        "sendVideo": send_video,
        "sendVideoNote": send_video_note,
        "sendVoice": send_voice,
    }
)

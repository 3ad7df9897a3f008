"""Messages that hold a file, alone or in an album."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from neonpay.simulator.files.contents import caption_content, params_of
from neonpay.simulator.files.store import About
from neonpay.simulator.wire.fields import Fields
from neonpay.simulator.wire.refusal import Unreadable, bad_request, inside

if TYPE_CHECKING:
    from neonpay.simulator.files.store import FileKind, Files
    from neonpay.simulator.wire.params import Params

LENGTH_MAX: Final = 10_000
"""Most pixels that a video is said to have (SRV, MAX_LENGTH)."""
DURATION_MAX_S: Final = 24 * 3600
"""Longest length (SRV, MAX_DURATION)."""
ALBUM_MAX: Final = 10
"""Most messages of one album (API, sendMediaGroup)."""
_WITHOUT_CAPTION: Final = frozenset({"sticker", "video_note"})
_WITH_SPOILER: Final = frozenset({"photo", "video", "animation"})
_IN_MEDIA: Final = frozenset({"photo", "video", "animation", "audio", "document"})
_NUMBERS: Final = {
    "video": ("width", "height", "duration", "start_timestamp"), "animation": ("width", "height", "duration"),
    "audio": ("duration",),
}  # fmt: skip
_ALONE_IN_ALBUMS: Final = frozenset({"audio", "document"})


def media_content(files: Files, params: Params, kind: FileKind) -> dict[str, object]:
    """The file of this kind in a call, and what goes with it.

    Raises:
        Refusal: there is none, it is not one, or its caption cannot be parsed.
    """
    file = files.given(params, kind, kind, _about(params))
    return file.as_fields | _around(params, kind)


def input_media(files: Files, given: object, params: Params, *, for_album: bool = False) -> dict[str, object]:
    """An ``InputMedia`` object of a call.

    Raises:
        Refusal: it is none (SRV: get_input_media).
    """
    with inside("Can't parse InputMedia"):
        return _input_media(files, Fields(given), params, for_album=for_album)


def _input_media(files: Files, fields: Fields, params: Params, *, for_album: bool) -> dict[str, object]:
    for name in ("caption", "parse_mode"):
        fields.text(name)
    for name in ("show_caption_above_media", "has_spoiler"):
        fields.flag(name)
    said = params_of(fields.as_json, params)
    around = caption_content(said)
    kind, reference = fields.required_text("type"), fields.text("media")
    if not reference or (reference.startswith("attach://") and reference[9:] not in params.files):
        raise Unreadable("media not found")
    if for_album and kind == "animation":
        raise Unreadable('type "animation" can\'t be used in sendMediaGroup')
    if kind not in _IN_MEDIA:
        raise Unreadable(f'type "{kind}" is unsupported')
    for name in _NUMBERS.get(kind, ()):
        fields.whole(name)
    file = files.named(said, cast("FileKind", kind), reference, _about(said))
    if file is None:
        raise Unreadable("media not found")
    return file.as_fields | around | _spoiler(said, kind)


def album(files: Files, params: Params) -> list[dict[str, object]]:
    """The messages of an album.

    Raises:
        Refusal: there is none, or what is in it does not go together.
    """
    params.required("media")
    given = params.array("media", "media", "Expected an Array of InputMedia") or []
    contents = [input_media(files, item, params, for_album=True) for item in given]
    if not contents:
        raise bad_request("there are no messages to send")  # TDL
    if len(contents) > ALBUM_MAX:
        raise bad_request("too many messages to send as an album")  # TDL
    if len({bool(content.get("show_caption_above_media")) for content in contents if "caption" in content}) > 1:
        raise bad_request("parameter show_caption_above_media must be the same for all messages")  # TDL
    kinds = {kind for content in contents for kind in _IN_MEDIA if kind in content}
    mixed = sorted(kinds & _ALONE_IN_ALBUMS)
    if mixed and len(kinds) > 1:
        raise bad_request(f"{mixed[0]} can't be mixed with other media types")  # TDL
    return contents


def _around(params: Params, kind: str) -> dict[str, object]:
    if kind in _WITHOUT_CAPTION:
        return {}
    return caption_content(params) | _spoiler(params, kind)


def _spoiler(params: Params, kind: str) -> dict[str, object]:
    return {"has_media_spoiler": True} if kind in _WITH_SPOILER and params.boolean("has_spoiler") else {}


def _about(params: Params) -> About:
    def pixels(name: str) -> int:
        return params.integer(name, minimum=0, maximum=LENGTH_MAX)

    return About(
        width=pixels("width"),
        height=pixels("height"),
        duration=params.integer("duration", minimum=0, maximum=DURATION_MAX_S),
        length=pixels("length"),
        performer=params.text("performer"),
        title=params.text("title"),
        emoji=params.text("emoji"),
    )

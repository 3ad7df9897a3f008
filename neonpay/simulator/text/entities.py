"""Entities that come with a text, and how Telegram mends the two of them (SRV: get_text_entity; TDL: fix_formatted_text)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from neonpay.simulator.text.marks import date_time, in_order, utf16_length
from neonpay.simulator.wire.fields import Fields
from neonpay.simulator.wire.params import strict_json
from neonpay.simulator.wire.refusal import Unreadable, bad_request, inside
from neonpay.simulator.wire.urls import checked_link

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.text.marks import Entity
    from neonpay.simulator.wire.params import Params

_PLAIN: Final = frozenset(
    {"bold", "italic", "underline", "strikethrough", "spoiler", "code", "blockquote", "expandable_blockquote"}
)
_FOUND: Final = frozenset(
    {"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number", "bank_card_number"}
)
"""What Telegram finds by itself, so that it looks at nobody's word for it."""
_TIME_LETTERS: Final = frozenset("tTdDwW")
_PLACE_MAX: Final = 1_000_000
_REPLACED: Final[Mapping[int, str | None]] = (
    {**dict.fromkeys((*range(10), *range(11, 13), *range(14, 32)), " ")}
    | dict.fromkeys((13, 0x333, 0x33F, 0x30A))
    | dict.fromkeys(range(0x2028, 0x202F))
)
"""Characters that become a space, or nothing (TDL: clean_input_string)."""
_TRIMMED: Final = " \n"


def given_entities(params: Params, name: str) -> list[Entity]:
    """The entities of a call; what is no array counts as none (SRV: get_input_entities).

    Raises:
        Unreadable: one of them is none.
    """
    try:
        given = strict_json(params.values.get(name, ""))
    except ValueError:
        return []
    if not isinstance(given, list):
        return []
    with inside("Can't parse MessageEntity"):
        return [entity for item in given if (entity := _entity(item)) is not None]


def mended(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """A text without what Telegram takes out of it and without space around it, and the entities where they now are.

    Raises:
        Refusal: an entity does not lie in the text.
    """
    for entity in entities:
        for name in ("offset", "length"):
            if not 0 <= _whole(entity[name]) <= _PLACE_MAX:
                raise bad_request(f"receive an entity with incorrect {name} {entity[name]}")
        if entity["type"] == "text_link":
            entity["url"] = _checked(str(entity["url"]))
    entities = in_order([entity for entity in entities if entity["length"]])
    _check_places(text, entities)
    if not entities:
        return text.translate(_REPLACED).strip(_TRIMMED), []
    places, cleaned = _cleaned(text)
    for entity in entities:
        begin, end = _whole(entity["offset"]), _whole(entity["offset"]) + _whole(entity["length"])
        entity |= {"offset": places[begin], "length": places[end] - places[begin]}
    kept = cleaned.rstrip(_TRIMMED)
    first = min(_whole(entity["offset"]) for entity in entities)
    lead = min(len(kept) - len(kept.lstrip(_TRIMMED)), first)
    kept = kept[lead:]
    length = utf16_length(kept)
    for entity in entities:
        begin = _whole(entity["offset"]) - lead
        entity |= {"offset": begin, "length": min(_whole(entity["length"]), length - begin)}
    return kept, [entity for entity in entities if _whole(entity["length"]) > 0]


def _entity(item: object) -> Entity | None:
    said = Fields(item)
    place: Entity = {"offset": said.required_whole("offset"), "length": said.required_whole("length")}
    kind = said.required_text("type")
    if not kind:
        raise Unreadable("Type is not specified")
    if kind in _FOUND:
        return None
    entity: Entity = {"type": kind}
    if kind == "pre":
        entity |= {"language": language} if (language := said.text("language")) else {}
    elif kind == "text_link":
        entity["url"] = said.required_text("url")
    elif kind == "text_mention":
        said.required_inner("user").required_whole("id", bits=64)
    elif kind == "custom_emoji":
        number = said.required_whole("custom_emoji_id", bits=64)
        if not number:
            raise bad_request("invalid custom emoji identifier specified")  # TDL
        entity["custom_emoji_id"] = str(number)
    elif kind == "date_time":
        entity = _moment(said)
    elif kind not in _PLAIN:
        raise Unreadable("Unsupported type specified")
    return entity | place


def _moment(said: Fields) -> Entity:
    unix_time, form = said.required_whole("unix_time"), said.text("date_time_format")
    if form not in {"r", "R"} and not _TIME_LETTERS.issuperset(form):
        raise Unreadable("Invalid date-time format specified")
    entity = date_time(unix_time, form)
    if entity is None:
        raise bad_request("invalid date specified")  # TDL
    return entity


def _checked(url: str) -> str:
    if url.lower().startswith("tg://user?id="):
        return url
    try:
        return checked_link(url)
    except Unreadable as unreadable:
        raise bad_request(f"Entity {unreadable.reason}") from unreadable


def _check_places(text: str, entities: list[Entity]) -> None:
    at, size = 0, 0
    bytes_at: dict[int, int] = {}
    for letter in text:
        width = utf16_length(letter)
        size += len(letter.encode("utf-8", "surrogatepass"))
        if width > 1:
            bytes_at[at + 1] = size  # told by the character behind the one that is cut
        at += width
    for entity in entities:
        begin = _whole(entity["offset"])
        end = begin + _whole(entity["length"])
        if begin in bytes_at:
            raise bad_request(f"entity begins in a middle of a UTF-16 symbol at byte offset {bytes_at[begin]}")
        if begin > at:
            raise bad_request(f"entity begins after the end of the text at UTF-16 offset {begin}")
        if end in bytes_at:
            raise bad_request(
                f"entity beginning at UTF-16 offset {begin} ends in a middle of a UTF-16 symbol at byte offset {bytes_at[end]}"
            )
        if end > at:
            raise bad_request(
                f"entity beginning at UTF-16 offset {begin} ends after the end of the text at UTF-16 offset {end}"
            )


def _cleaned(text: str) -> tuple[dict[int, int], str]:
    """Where each place of the text is in what is left of it, counted in UTF-16 units."""
    places, before, after, kept = {}, 0, 0, []
    for letter in text:
        places[before] = after
        instead = letter.translate(_REPLACED)
        kept.append(instead)
        before += utf16_length(letter)
        after += utf16_length(instead)
    places[before] = after
    return places, "".join(kept)


def _whole(number: object) -> int:
    assert isinstance(number, int)
    return number

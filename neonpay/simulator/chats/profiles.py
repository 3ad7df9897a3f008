"""What a bot tells people of itself: its commands, names and descriptions by language, its menu button."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiogram import types


@dataclass(slots=True, eq=False)
class BotProfile:
    """Set by the bot; what was never set is empty.

    Attributes:
        commands: by scope and language.
        names: by language, "" for everybody else; so are the descriptions.
        menu_buttons: by the id of the chat, 0 for every other.
        default_rights: which a bot asks for when it is added, for groups and for channels.
    """

    commands: dict[tuple[str, str], list[types.BotCommand]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    short_descriptions: dict[str, str] = field(default_factory=dict)
    menu_buttons: dict[int, dict[str, object]] = field(default_factory=dict)
    default_rights: dict[bool, dict[str, object]] = field(default_factory=dict)

"""What people type: times, from a year to a second or as another command has printed them, users and bots."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Annotated, Final

import typer

_USERNAME = re.compile(r"@\w{1,64}", re.ASCII)
_ID_MAX: Final = 2**63 - 1
"""No database has room for a larger number."""
_ROWS_MAX: Final = 2**31 - 1

LimitOption = Annotated[int, typer.Option("--limit", min=1, max=_ROWS_MAX, help="At most so many.")]

_YEAR_OR_MONTH = re.compile(r"(\d{4})(?:-(\d{1,2}))?")


def moment_typed(text: str | datetime, zone: tzinfo = UTC) -> datetime:
    """The beginning of the year, month, day, minute or second that was typed, aware; what says no zone is in ``zone``.

    Raises:
        typer.BadParameter: it is none; the message shows what to type.
    """
    if isinstance(text, datetime):
        return text
    found = _YEAR_OR_MONTH.fullmatch(text.strip())
    try:
        if found is not None:
            return datetime(int(found[1]), int(found[2] or 1), 1, tzinfo=zone)
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        msg = f"{text!r} is no time; write 2026-11, 2026-11-28 or 2026-11-28T09:14, in {zone}"
        raise typer.BadParameter(msg) from None
    return at.replace(tzinfo=zone) if at.tzinfo is None else at


@dataclass(frozen=True, slots=True)
class TypedUser:
    """A user by their id, or by a username without its ``@``."""

    user_id: int | None
    username: str = ""


def user_typed(text: str | TypedUser) -> TypedUser:
    """The user who was typed, by id or ``@username``.

    Raises:
        typer.BadParameter: it is neither.
    """
    if isinstance(text, TypedUser):
        return text
    if _USERNAME.fullmatch(text):
        return TypedUser(None, text.removeprefix("@"))
    try:
        user_id = int(text)
    except ValueError:
        user_id = None
    if user_id is None or abs(user_id) > _ID_MAX:
        msg = f"{text!r} is no user; write an id or a username, as in --user 123456789 or --user @ann"
        raise typer.BadParameter(msg)
    return TypedUser(user_id)


@dataclass(frozen=True, slots=True)
class TypedBot:
    """A bot by its id, or by its username without the ``@``."""

    bot_id: int | None
    username: str = ""


def bot_typed(text: str | TypedBot) -> TypedBot:
    """The bot that was typed, by id or ``@username``.

    Raises:
        typer.BadParameter: it is neither.
    """
    if isinstance(text, TypedBot):
        return text
    if _USERNAME.fullmatch(text):
        return TypedBot(None, text.removeprefix("@"))
    if text.isascii() and text.isdecimal() and int(text):
        return TypedBot(int(text))
    msg = f"{text!r} is no bot; write an id or a username, as in --bot 7000000001 or --bot @shop_bot"
    raise typer.BadParameter(msg)

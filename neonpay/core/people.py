"""What Telegram tells of somebody beside their id."""

from __future__ import annotations

from typing import NamedTuple


class Sender(NamedTuple):
    """The names of a user, as an update had them; each may be missing."""

    username: str | None = None
    first_name: str | None = None
    language_code: str | None = None

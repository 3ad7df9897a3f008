"""Two that ask for the updates of one bot: Telegram gives each update to one of them, a payment too."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

logger = logging.getLogger("neonpay.telegram")

_WORDS: Final = "terminated by other getupdates"
_TOLD: Final = (
    "something else asks Telegram for the updates of bot %d as well, and each update, a payment too, goes to one of the two: "
    "another program with its token, or a second bot object with it in this one. Stop the other; in one program make the bot "
    "and neonpay once, in a module of their own, and write `from shop import bot, neonpay` wherever they are needed. Until "
    "then both need the same database_url, or one declines the checkouts of the other"
)


class Contest:
    """Says so in the log, the first time that Telegram does."""

    def __init__(self) -> None:
        self._is_told = False

    def told(self, bot_id: int, words: str) -> None:
        """Telegram has refused the updates of a bot with these words."""
        if not self._is_told and _WORDS in words.lower():
            self._is_told = True
            logger.warning(_TOLD, bot_id)

    @contextmanager
    def noticed(self, bot_id: int) -> Iterator[None]:
        """Look at what a library raises when it asks for the updates of a bot, and let it go on."""
        try:
            yield
        except Exception as exc:  # whatever the library calls it; it is raised as it was
            self.told(bot_id, str(exc))
            raise

"""What a centre has kept is told to a manager of the same program, which has figures of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol

from neonpay.collection.wire import ERASED, Batch
from neonpay.core.jsontext import JsonValue
from neonpay.errors import ConfigurationError, NeonPayError
from neonpay.tracking import SoftEvent

logger = logging.getLogger("neonpay.collection")

Kept = Callable[[Batch, Sequence[SoftEvent]], None]


class Telling(Protocol):
    """What a centre needs of ``MultiBotAnalyticsManager``."""

    def hear_of_bot(self, bot_id: str, bot_name: str) -> Any:
        """Know what a bot says that it is called, as long as nobody has registered it."""
        ...

    def registered_names(self) -> Mapping[int, str]:
        """What bots were registered as, by their numbers."""
        ...

    def track_event(
        self,
        event_type: str,
        bot_id: str,
        user_id: int | None,
        amount: int | None = None,
        product_id: str | None = None,
        metadata: Mapping[str, JsonValue] | None = None,
        *,
        at: datetime,
        event_id: str,
    ) -> Any:
        """Take an event; one that it has taken before is not counted again."""
        ...

    def forget_person(self, bot_id: str, user_id: int, *, at: datetime) -> None:
        """Nothing that was told of a bot up to a time names this person, or will."""
        ...


def check_manager(manager: object) -> None:
    """Raise ConfigurationError for what is no manager of several bots."""
    names = ("hear_of_bot", "registered_names", "track_event", "forget_person")
    if manager is not None and not all(callable(getattr(manager, name, None)) for name in names):
        msg = f"a centre tells a MultiBotAnalyticsManager() what bots send, and not {type(manager).__name__}"
        raise ConfigurationError(msg)


def teller_to(manager: Telling | None) -> Kept | None:
    """What tells a manager of a batch that was kept; None without one."""
    if manager is None:
        return None
    named: dict[str, str] = {}

    def tell(batch: Batch, events: Sequence[SoftEvent]) -> None:
        bot_id = str(batch.bot_id)
        if batch.bot_name is not None and named.get(bot_id) != batch.bot_name:
            named[bot_id] = batch.bot_name  # also one that is refused, which is not tried with each batch
            with _told("the name of a bot"):
                manager.hear_of_bot(bot_id, batch.bot_name)
        # First whom a batch erases, of whom nothing from before is kept then, in whatever order it has its events.
        for event in sorted(events, key=lambda event: event.kind != ERASED):
            if event.kind == ERASED:
                if event.user_id is not None:
                    with _told("that a person is forgotten"):
                        manager.forget_person(bot_id, event.user_id, at=event.at)
                continue
            with _told("an event"):
                manager.track_event(
                    event.kind,
                    bot_id,
                    event.user_id,
                    event.stars,
                    event.subject,
                    event.data,
                    at=event.at,
                    event_id=event.event_id,
                )

    return tell


@contextmanager
def _told(what: str) -> Iterator[None]:
    """What a manager refuses is warned of, and keeps nothing else from it."""
    try:
        yield
    except NeonPayError as error:
        logger.warning("a manager does not take %s that the centre has kept: %s", what, error)

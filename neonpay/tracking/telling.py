"""Events that a program tells of by name."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from neonpay.core.clock import Clock, moment
from neonpay.core.jsontext import JsonObject
from neonpay.core.text import fit
from neonpay.errors import ValidationError
from neonpay.store.ids import new_event_id
from neonpay.tracking.buffer import SoftBuffer
from neonpay.tracking.kinds import OF_LEDGER
from neonpay.tracking.soft_event import TEXT_MAX_CHARS, SoftEvent

_CALLED: Final = MappingProxyType({"kind": "event_type", "stars": "amount", "subject": "stage_id", "data": "metadata"})
"""Fields of a soft event, and what ``track_event`` calls them."""


def track(
    buffer: SoftBuffer,
    bot_id: int,
    clock: Clock,
    *,
    kind: str,
    user_id: int | None,
    stars: int | None,
    subject: str | None,
    source: str | None,
    data: JsonObject | None,
    event_id: str | None,
) -> bool:
    """Have an event written soon, unless the ledger knows of it by itself; whether it will be.

    Raises:
        ValidationError: a field is of another kind than it has to be.
    """
    try:
        event = SoftEvent(
            event_id=new_event_id() if event_id is None else event_id,
            bot_id=bot_id,
            kind=kind,
            at=moment(clock.now_us()),
            user_id=user_id,
            subject=_cut(subject),
            source=_cut(source),
            stars=stars,
            data={} if data is None else data,
        )
    except ValidationError as exc:
        raise exc.called(_CALLED) from None
    return event.kind not in OF_LEDGER and buffer.put(event)


def _cut(text: str | None) -> str | None:
    """A text as it can be kept; what is no text is left for whoever checks it."""
    return (fit(text, TEXT_MAX_CHARS) or None) if isinstance(text, str) else text

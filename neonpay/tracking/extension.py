"""Tracking as an extension: what people do with the bot is counted from its updates, and goes when its time is over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol, runtime_checkable

from neonpay.core.clock import moment
from neonpay.core.payload import is_ours
from neonpay.core.seen import START, SeenKind, SeenUpdate
from neonpay.ledger import Ledger
from neonpay.payments.extension import Extension, Host
from neonpay.settings import settings_of
from neonpay.store.ids import new_event_id
from neonpay.store.periodic import PeriodicTask, Turn
from neonpay.tracking.buffer import SoftBuffer
from neonpay.tracking.kinds import SoftKind
from neonpay.tracking.retention import clean
from neonpay.tracking.settings import TrackingSettings
from neonpay.tracking.soft_event import SoftEvent

CLEAN_EVERY_S = 3600.0
_NOT_OPEN_S = 1.0
_KINDS = {SeenKind.MESSAGE: str(SoftKind.USER_MESSAGE), SeenKind.CALLBACK: str(SoftKind.USER_CALLBACK)}
_STARTED = str(SoftKind.USER_STARTED)


@runtime_checkable
class Counts(Protocol):
    """An extension that counts soft events, and is given where they go when it is taken into use."""

    def count_into(self, buffer: SoftBuffer) -> None:
        """What is counted goes there from now on."""
        ...


class Tracking(Extension):
    """Counts who starts the bot, writes to it and presses its buttons: ``neonpay.use(Tracking())``.

    An update costs its host a few microseconds, and no word of what somebody wrote is kept. The parameter of the first
    ``/start`` stays with the person as the source that they came from.

    Args:
        keep_days: days after which events go. ``[tracking] keep_days`` when left out, which is 400.
        keep_days_of: days for single kinds; an event of another kind has ``keep_days``.

    Raises:
        ConfigurationError: a setting is wrong.
    """

    name = "tracking"

    def __init__(self, *, keep_days: int | None = None, keep_days_of: Mapping[str, int] | None = None) -> None:
        given = {
            "keep_days": keep_days,
            "keep_days_of": dict(keep_days_of) if isinstance(keep_days_of, Mapping) else keep_days_of,
        }
        said = {name: value for name, value in given.items() if value is not None}
        self._settings = settings_of(TrackingSettings, "tracking", arguments=said)
        self._buffer: SoftBuffer | None = None
        self._ledger: Ledger | None = None
        self._bot_id = 0

    def count_into(self, buffer: SoftBuffer) -> None:
        """What is counted goes there from now on."""
        self._buffer = buffer

    def seen(self, update: SeenUpdate) -> None:
        """Count it, without looking at anything but memory."""
        buffer = self._buffer
        if buffer is None:
            return
        if update.command == START and update.chat_id == update.user_id:
            source = update.parameter
            # A link of an invoice says what is sold, and not where its buyer has come from.
            buffer.put((_STARTED, update, None if source is None or is_ours(source) else source))
            return
        kind = _KINDS.get(update.kind)
        if kind is not None:
            buffer.put((kind, update, None))

    def periodic(self) -> Sequence[PeriodicTask]:
        """The turn that removes what has been kept for long enough."""
        return (PeriodicTask("clean", CLEAN_EVERY_S, self._clean),)

    @asynccontextmanager
    async def running(self, host: Host) -> AsyncIterator[None]:
        """Note that a program of the bot has begun, and clean the ledger of the shop while it is open."""
        self._ledger, self._bot_id = host.ledger, host.bot_id
        if self._buffer is not None:
            at = moment(host.clock.now_us())
            self._buffer.put(SoftEvent(event_id=new_event_id(), bot_id=host.bot_id, kind=SoftKind.BOT_STARTED, at=at))
        try:
            yield
        finally:
            if self._ledger is host.ledger:  # and not that of a shop which was opened on another event loop meanwhile
                self._ledger = None

    async def _clean(self, turn: Turn) -> float | None:
        ledger = self._ledger
        if ledger is None:
            return _NOT_OPEN_S
        await clean(ledger, self._bot_id, self._settings.keep_days, dict(self._settings.keep_days_of))
        return None

"""Alerts as an extension: beside the rules about events it watches what no event tells of."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from neonpay.core.clock import microseconds, moment
from neonpay.core.events import Event
from neonpay.core.jsontext import JsonValue
from neonpay.core.words import Words
from neonpay.errors import TelegramError, TelegramUnreachableError
from neonpay.ledger import Transaction
from neonpay.notifications import queue, report, troubles
from neonpay.notifications.alerts import template_name
from neonpay.notifications.desk import AlertDesk, Deeds
from neonpay.notifications.extension import Notifications
from neonpay.notifications.kinds import NotificationPriority, NotificationType
from neonpay.notifications.muting import Mutes
from neonpay.notifications.note import Note, note_id
from neonpay.notifications.pages import Pages
from neonpay.notifications.queue import Queued
from neonpay.notifications.report import Reports, days_of
from neonpay.notifications.rules import Rule
from neonpay.notifications.troubles import KINDS, LOOK_S, Trouble
from neonpay.notifications.watching import DiskUsage, about_disk, about_ledger, about_loops, about_webhook
from neonpay.payments.extension import Conversation, Extension, Host
from neonpay.payments.host import ShopHost
from neonpay.store.loops import Loop, LoopHealth
from neonpay.store.periodic import PeriodicTask, Turn

logger = logging.getLogger("neonpay.notifications")

_NOT_OPEN_S: Final = 1.0
_SETTLE_S: Final = 10.0
"""After so long everything of a program that starts is at work."""
_WEBHOOK_S: Final = 600.0
"""Between two looks at the webhook of a bot that has none."""
_REPORT_S: Final = 3600.0
"""Between two looks whether a report is due, however far that is."""
_AWAY_US: Final = int(3 * LOOK_S * 1_000_000)
"""A watch that has not looked for so long lets the programs say first what is wrong still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a program watches of itself and of its shop.

    Attributes:
        loops: how its loops are.
        folder: where its database is; None when that is not on this machine.
        reconcile_every_s: how often the shop compares itself with Telegram; None when it does not.
        disk_usage: asks the system about a folder's disk.
        look_s: between two looks of the program at itself.
        settle_s: before the first one.
    """

    loops: Callable[[], Sequence[LoopHealth]]
    folder: Path | None = None
    reconcile_every_s: float | None = None
    disk_usage: Callable[[Path], DiskUsage] = shutil.disk_usage
    look_s: float = LOOK_S
    settle_s: float = _SETTLE_S


class Alerts(Extension):
    """Watches a shop and tells whoever its alerts are for.

    Args:
        notifications: sends.
        rule: by which channel, and to whom.
        reports: what is told at fixed times; nothing when left out.
        dashboard_url: where buttons lead that open something.
    """

    name = "alerts"

    def __init__(
        self,
        notifications: Notifications,
        rule: Rule,
        watched: Watched,
        *,
        reports: Reports | None = None,
        dashboard_url: str | None = None,
    ) -> None:
        self._notifications = notifications
        self._rule = rule
        self._watched = watched
        self._reports = reports
        self._host: Host | None = None
        self.pages = Pages(dashboard_url, self.say)
        notifications.buttons_of = self._buttons

    @asynccontextmanager
    async def running(self, host: Host) -> AsyncIterator[None]:
        """Watch this program while it is open."""
        self._host = host
        loop = Loop("alerts", self._looks(host), first_s=self._watched.look_s)
        if self._tells_somebody:
            loop.start()
        try:
            yield
        finally:
            await loop.stop()
            if self._host is host:  # and not that of a shop which was opened on another event loop meanwhile
                self._host = None

    def periodic(self) -> Sequence[PeriodicTask]:
        """The watch over the shop and the reports, of which one program at a time has a turn."""
        if not self._tells_somebody:  # a turn of its own would be one that a program which tells has not
            return []
        schedules = {} if self._reports is None else self._reports.schedules
        return [
            PeriodicTask("watch", LOOK_S, self._watch),
            PeriodicTask("webhook", _WEBHOOK_S, self._look_at_webhook),
            *[PeriodicTask(name, _REPORT_S, partial(self._report, name)) for name in schedules],
        ]

    @property
    def _tells_somebody(self) -> bool:
        return bool(self._notifications.recipients_of(self._rule))

    def _looks(self, host: Host) -> Callable[[], Awaitable[float]]:
        has_settled = False

        async def turn() -> float:
            nonlocal has_settled
            if not has_settled:
                has_settled = True
                return self._watched.settle_s
            await self._look(host)
            return self._watched.look_s

        return turn

    async def _look(self, host: Host) -> None:
        found = about_loops(self._watched.loops())
        folder = self._watched.folder
        if folder is not None:
            try:
                found += about_disk(folder, await asyncio.to_thread(self._watched.disk_usage, folder))
            except OSError as exc:
                logger.warning("the disk of %s could not be looked at: %s", folder, exc)
        if not found:
            return
        told = await host.ledger.run(troubles.seen, host.bot_id, found, host.clock.now_us(), self._tells)
        if told:
            host.look_soon()

    async def _watch(self, turn: Turn) -> float | None:
        host = self._host
        if host is None:
            return _NOT_OPEN_S
        now_us = host.clock.now_us()
        found = await host.ledger.read(about_ledger, host.bot_id, now_us, self._watched.reconcile_every_s)
        if await host.ledger.run(self._watched_at, turn, found, now_us):
            host.look_soon()
        return None

    def _watched_at(self, transaction: Transaction, turn: Turn, found: Sequence[Trouble], now_us: int) -> int:
        told = troubles.seen(transaction, turn.bot_id, found, now_us, self._tells)
        if now_us - turn.position <= _AWAY_US:
            told += troubles.end(transaction, turn.bot_id, now_us, self._tells)
        turn.save(transaction, position=now_us)
        return told

    async def _look_at_webhook(self, turn: Turn) -> float | None:
        host = self._host
        if host is None:
            return _NOT_OPEN_S
        try:
            info = await host.call("getWebhookInfo", {})
        except (TelegramError, TelegramUnreachableError):
            return None
        if not isinstance(info, dict) or not info.get("url"):
            return None
        failed_at_s = int(info.get("last_error_date") or 0)
        # What failed before the first look is over, or Telegram tries it again.
        found = [about_webhook(info.get("last_error_message"))] if 0 < turn.position < failed_at_s else []
        looked_at_s = max(turn.position, failed_at_s, 1)
        if await host.ledger.run(self._webhook_looked_at, turn, found, looked_at_s, host.clock.now_us()):
            host.look_soon()
        return LOOK_S

    def _webhook_looked_at(
        self, transaction: Transaction, turn: Turn, found: Sequence[Trouble], looked_at_s: int, now_us: int
    ) -> int:
        told = troubles.seen(transaction, turn.bot_id, found, now_us, self._tells)
        turn.save(transaction, position=looked_at_s)
        return told

    async def _report(self, name: str, turn: Turn) -> float | None:
        """Tell of the last period that is over and was not told of; the first turn ever only begins to count."""
        host, reports = self._host, self._reports
        if host is None or reports is None:
            return _NOT_OPEN_S
        schedule, now = reports.schedules[name], moment(host.clock.now_us())
        due_on, due_at = schedule.latest(now)
        due_us = microseconds(due_at)
        if due_us > turn.position:
            queued: list[Queued] = []
            if turn.position:
                first, last = days_of(schedule, due_on)
                written = await self._report_written(name, reports, first, last, schedule.zone)
                about = ("report", name, due_on.isoformat())
                queued = self.queued(f"report.{name}", about, written, NotificationPriority.NORMAL)
            await host.ledger.run(_reported, turn, queued, due_us)
            host.look_soon()
        wait_s = (schedule.next(now) - moment(host.clock.now_us())).total_seconds()
        return min(max(wait_s, 1.0), _REPORT_S)

    async def _report_written(
        self, name: str, reports: Reports, first: date, last: date, zone: ZoneInfo
    ) -> tuple[str, str]:
        figures = await reports.figures_of(first, last, zone)
        notifications, own = self._notifications, template_name(name)
        if notifications.templates.has(own):
            values = report.variables(figures, first, last)
            text = notifications.templates.written_if_it_can(own, values, notifications.language_code)
            if text is not None:
                return text
        return report.written(figures, first, last, self.say)

    def _tells(self, trouble: Trouble, since_us: int, is_over: bool) -> list[Queued]:
        priority = NotificationPriority.NORMAL if is_over else KINDS[trouble.kind].priority
        about = (trouble.subject, str(since_us), "over" if is_over else "begins")
        return self.queued(f"alert.{trouble.kind}", about, self._written(trouble, is_over), priority)

    def _written(self, trouble: Trouble, is_over: bool) -> tuple[str, str]:
        kind, name = KINDS[trouble.kind], trouble.name
        if name in kind.called:
            name = self.say(f"alert.{trouble.kind}.{name}", kind.called[name])
        values = {**trouble.values, "name": name}
        own = template_name(trouble.kind)
        notifications = self._notifications
        if not is_over and notifications.templates.has(own):
            text = notifications.templates.written_if_it_can(own, values, notifications.language_code)
            if text is not None:
                return text
        if is_over:
            return self.say(f"alert.{trouble.kind}.over", kind.over, **values), ""
        details = trouble.details
        if isinstance(details, Words):
            details = self.say(f"alert.{trouble.kind}.details", details, **values)
        return self.say(f"alert.{trouble.kind}.subject", kind.begins, **values), details or ""

    def say(self, key: str, words: Words, /, **values: object) -> str:
        """Words for the owners."""
        return self._notifications.templates.say(key, words, self._notifications.language_code, **values)

    def _buttons(self, event: Event, recipient: str) -> list[JsonValue]:
        opens = self.pages.about(event)
        return [opens] if opens else []

    def queued(
        self, kind: str, about: Sequence[str], written: tuple[str, str], priority: NotificationPriority
    ) -> list[Queued]:
        """A message to each of those who are told, once however often it is asked for."""
        host, rule = self._host, self._rule
        assert host is not None, "it is told while the shop is open"
        opens = self.pages.first() if rule.channel is NotificationType.TELEGRAM else []
        found = []
        for recipient in self._notifications.recipients_of(rule):
            note = Note(
                note_id=note_id("alerts", *about, rule.channel, recipient),
                channel=rule.channel,
                recipient=recipient,
                subject=written[0],
                body=written[1],
                kind=kind,
                at=moment(host.clock.now_us()),
                priority=priority,
                data={"buttons": [opens]} if opens else {},
            )
            due_us, gathered = self._notifications.manners.due_at_us(note)
            found.append(Queued(note=note, due_at_us=due_us, gathered=gathered))
        return found


def _reported(transaction: Transaction, turn: Turn, queued: Sequence[Queued], due_us: int) -> None:
    queue.put(transaction, turn.bot_id, queued)
    turn.save(transaction, position=due_us)


class TalkingAlerts(Alerts):
    """Alerts by the shop's own bot, under which owners decide, and which they silence.

    Args:
        owners: user ids; nobody else gets an answer.
        zone: in which times are said.
    """

    def __init__(
        self,
        notifications: Notifications,
        rule: Rule,
        watched: Watched,
        *,
        owners: Sequence[int],
        deeds: Deeds,
        zone: ZoneInfo,
        reports: Reports | None = None,
        dashboard_url: str | None = None,
    ) -> None:
        super().__init__(notifications, rule, watched, reports=reports, dashboard_url=dashboard_url)
        own = {str(owner) for owner in owners}

        def shared() -> list[str]:
            return [recipient for recipient in notifications.recipients_of(rule) if recipient not in own]

        mutes = Mutes(shared, zone, self.say)
        self._desk = AlertDesk(owners, deeds, self.pages, says=self.say, host=self._shop_host, mutes=mutes)
        notifications.buttons_of = self._desk.rows

    def conversation(self) -> Conversation:
        """With the owners."""
        return self._desk

    def _shop_host(self) -> ShopHost | None:
        assert self._host is None or isinstance(self._host, ShopHost), "neonpay's own runs in neonpay's own host"
        return self._host

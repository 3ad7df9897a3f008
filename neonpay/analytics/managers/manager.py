"""``AnalyticsManager``: how one shop does, called as the guide calls it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from types import TracebackType
from typing import Final, Self, TypeVar

from neonpay.analytics.experiments import ExperimentResult, result_of
from neonpay.analytics.managers import dashboard, money
from neonpay.analytics.managers.asked import DAYS_MAX, AnalyticsPeriod, Asked, checked_stars, checked_zone
from neonpay.analytics.managers.events import soft_event
from neonpay.analytics.managers.happenings import by_kind
from neonpay.analytics.managers.over_ledger import LedgerStore, Shop
from neonpay.analytics.managers.people import STEPS, active, reached, who_bought
from neonpay.analytics.managers.roster import roster
from neonpay.analytics.managers.shapes import ConversionData, ProductPerformance, RevenueData
from neonpay.analytics.managers.sides import Sides
from neonpay.analytics.managers.stores import MemoryStore, Store
from neonpay.analytics.managers.tables import as_csv
from neonpay.core.clock import Clock, SystemClock, moment
from neonpay.core.jsontext import JsonValue
from neonpay.core.whole import is_whole
from neonpay.errors import ConfigurationError, ValidationError
from neonpay.ledger import Transaction
from neonpay.store.ids import new_event_id
from neonpay.tracking.kinds import OF_LEDGER

T = TypeVar("T")
DAY: Final = AnalyticsPeriod.DAY
_OWN: Final = 1
"""The number of the bot of a manager that has no ledger."""
_EVER: Final = DAYS_MAX
EVENTS_MAX: Final = 10_000_000
BOT_MAX: Final = 2**63 - 1
"""Bots that have a word alone have numbers up to it, which an error may show."""


class AnalyticsManager:
    """How a shop does, by calls that wait for their answer.

    By itself it knows what ``track_event`` tells it, keeps that in memory, and forgets it with the process. With a ledger all
    figures about money, invoices and buyers are those of ``neonpay.reports``, and ``track_event`` adds what the ledger cannot
    know; what it tells of payments counts for nothing then. A question to a ledger blocks its caller for as long as it takes,
    so on an event loop it is asked by ``asyncio.to_thread``.

    Args:
        enable_analytics: without it nothing is kept, and every question is answered by None.
        neonpay: the program's shop; figures are those of its bot.
        database_url: the ledger of a shop that runs elsewhere; figures are those of all of its bots, or of ``bot_id``.
        bot_id: Telegram's id of the bot that is meant.
        max_events: how many events are kept in memory; the oldest go when there are more, and ``get_stats`` counts them.
        zone: whose days, weeks and months are meant.
        high_value_stars: from how many Stars in a period on somebody is a high-value user.
        clock: what "now" is.

    Raises:
        ConfigurationError: a shop and a database were both named, or the URL is none. A question raises it when the ledger does
            not have the bot that was named.
        ValidationError: an argument is not what it has to be.
    """

    def __init__(
        self,
        enable_analytics: bool = True,  # as the guide calls it
        *,
        neonpay: Shop | None = None,
        database_url: str | None = None,
        bot_id: int | None = None,
        max_events: int = 100_000,
        zone: tzinfo = UTC,
        high_value_stars: int = 1_000,
        clock: Clock | None = None,
    ) -> None:
        self.enable_analytics = enable_analytics
        self._zone = checked_zone(zone)
        self._high_value_stars = checked_stars(high_value_stars)
        if bot_id is not None and not is_whole(bot_id, 1, BOT_MAX):
            raise ValidationError("bot_id", bot_id, "Telegram's whole-number id of the bot")
        self._clock = clock or SystemClock()
        self._store = store_of(neonpay, database_url, max_events, self._clock)
        self._is_memory = isinstance(self._store, MemoryStore)
        self._is_own = neonpay is not None and bot_id is None
        self._bot = _OWN if self._is_memory else bot_id
        if neonpay is not None and bot_id is None:
            self._bot = neonpay.program.adapter.bot_id

    def track_event(
        self,
        event_type: str,
        user_id: int | None,
        amount: int | None = None,
        stage_id: str | None = None,
        metadata: Mapping[str, JsonValue] | None = None,
        *,
        at: datetime | None = None,
        event_id: str | None = None,
    ) -> None:
        """Take something that happened; every report from now on has it.

        Args:
            event_type: an ``EventType``, ``add_to_cart``, or whatever the bot names.
            amount: Stars, where it is about any.
            stage_id: the product.
            metadata: more of it, as JSON; its ``source`` says where the person came from.
            at: when it was; now when left out.
            event_id: the same for the same event however often it is told; it is kept once.

        Raises:
            ValidationError: an argument is not what it has to be; nothing was taken.
            ConfigurationError: the ledger has several bots, or none, and none was named.
        """
        if not self.enable_analytics:
            return
        event = soft_event(
            event_type,
            self._number(),
            user_id=user_id,
            amount=amount,
            subject=stage_id,
            subject_called="stage_id",
            metadata=metadata,
            at=at or self._now,
            event_id=event_id or new_event_id(),
        )
        if self._is_memory or event.kind not in OF_LEDGER:
            self._store.keep(event)

    def get_revenue_analytics(self, period: AnalyticsPeriod = DAY, days: int = 30) -> RevenueData | None:
        """What was sold in the last so many days, today among them."""
        return self._answer(money.revenue_data, period, days)

    def get_conversion_analytics(self, period: AnalyticsPeriod = DAY, days: int = 30) -> ConversionData | None:
        """How many of the people who came have bought."""
        return self._answer(dashboard.conversion, period, days)

    def get_product_analytics(self, period: AnalyticsPeriod = DAY, days: int = 30) -> list[ProductPerformance] | None:
        """How each product does, most revenue first."""
        return self._answer(dashboard.products, period, days)

    def get_dashboard_report(self, period: AnalyticsPeriod = DAY, days: int = 30) -> dict[str, JsonValue] | None:
        """All of it from one moment, as ``json.dumps`` takes it; ``shed_events`` counts what is not in it any more."""
        found = self._answer(dashboard.dashboard, period, days)
        return None if found is None else {**found.as_json(), "shed_events": self._store.shed}

    def get_experiment(
        self, experiment: str, variants: Sequence[str], *, days: int = 30, shown_by: str | None = None
    ) -> ExperimentResult | None:
        """How many people of each variant of an A/B test have bought, and how sure that is.

        Who was shown which follows from their ids by ``variant_of``, so nothing of it is kept.

        Args:
            variants: as ``variant_of`` is given them, in the same order.
            shown_by: the kind of the event by which the bot tells that it has shown somebody what is tested. Only those
                people count, and what they bought since. Everybody who came counts when it is left out.

        Raises:
            ValidationError: an argument is not what it has to be.
        """
        if shown_by is not None and not isinstance(shown_by, str):
            raise ValidationError("shown_by", shown_by, "the event_type by which the bot tells it, or None")

        def unit(transaction: Transaction, sides: Sides, asked: Asked) -> ExperimentResult:
            return result_of(experiment, variants, who_bought(transaction, sides, asked.period.span, shown_by))

        return self._answer(unit, DAY, days)

    def export_analytics(self, format_type: str = "json", period: AnalyticsPeriod = DAY, days: int = 30) -> str | None:
        """The dashboard's report as text.

        Raises:
            ValidationError: the format is neither ``json`` nor ``csv``.
        """
        report = self.get_dashboard_report(period, days)
        return None if report is None else written(report, format_type)

    def get_stats(self) -> dict[str, int | bool]:
        """How much it knows, of the last ten years."""
        figures = self._answer(_known, DAY, _EVER) or (0, 0, 0)
        return {
            "enabled": self.enable_analytics,
            "total_events": figures[0],
            "active_users": figures[1],
            "tracked_products": figures[2],
            "conversion_funnel_steps": len(STEPS),
            "shed_events": self._store.shed,
        }

    def cleanup_old_data(self, days: int = 90) -> int:
        """Forget what was told more than so many days ago; how many events that were. What the ledger knows itself stays.

        Raises:
            ValidationError: ``days`` is no such number.
        """
        self._asked(DAY, days)  # which refuses what is no number of days
        return self._store.clean(self._now - timedelta(days=days))

    def close(self) -> None:
        """Keep what is not kept yet; in memory, forget everything. Safe to call again."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _now(self) -> datetime:
        return moment(self._clock.now_us())

    def _asked(self, period: AnalyticsPeriod, days: int) -> Asked:
        return Asked.last(days, period, now=self._now, zone=self._zone, high_value_stars=self._high_value_stars)

    def _answer(self, unit: Callable[[Transaction, Sides, Asked], T], period: AnalyticsPeriod, days: int) -> T | None:
        if not self.enable_analytics:
            return None
        asked = self._asked(period, days)
        return self._store.read(lambda transaction: unit(transaction, self._sides(transaction), asked))

    def _sides(self, transaction: Transaction) -> Sides:
        if self._is_memory:
            return Sides(told=(_OWN,))
        if self._is_own:  # which the ledger does not have before its first start
            return Sides(ledger=(self._bot or 0,))
        everybody = roster(transaction).sides
        if self._bot is None:
            return everybody
        if self._bot not in everybody.all:
            msg = f"the ledger does not have bot {self._bot}; it has: {', '.join(map(str, everybody.all)) or 'none'}"
            raise ConfigurationError(msg)
        return everybody.only(self._bot)

    def _number(self) -> int:
        if self._bot is None:
            known = self._store.read(lambda transaction: roster(transaction).sides.ledger)
            if len(known) != 1:
                has = ", ".join(map(str, known)) or "none yet; start the bot once"
                msg = f"name the bot that the event is about: AnalyticsManager(..., bot_id=...); the ledger has: {has}"
                raise ConfigurationError(msg)
            self._bot = known[0]
        return self._bot


def _known(transaction: Transaction, sides: Sides, asked: Asked) -> tuple[int, int, int]:
    """How many events, people and products there are."""
    events = sum(sum(kinds.values()) for kinds in by_kind(transaction, sides, asked).values())
    people = active(reached(transaction, sides, asked.period.span))
    return events, people, len(dashboard.products(transaction, sides, asked))


def written(report: Mapping[str, JsonValue], format_type: str) -> str:
    """A report as JSON or CSV; raises ValidationError: the format is neither."""
    if format_type == "json":
        return json.dumps(report, ensure_ascii=False, indent=2)
    if format_type == "csv":
        return as_csv(report)
    raise ValidationError("format_type", format_type, "json or csv")


def store_of(neonpay: Shop | None, database_url: str | None, max_events: int, clock: Clock) -> Store:
    """Where a manager keeps and reads: the ledger that was named, or memory of its own.

    Raises:
        ConfigurationError: two were named, or the URL is none.
        ValidationError: ``neonpay`` is no shop, or ``max_events`` no such number.
    """
    if neonpay is not None and database_url is not None:
        msg = "a manager has one ledger: give it neonpay= or database_url=, not both"
        raise ConfigurationError(msg)
    if neonpay is not None:
        if getattr(getattr(neonpay, "program", None), "adapter", None) is None:
            raise ValidationError("neonpay", neonpay, "a shop, as create_neonpay() returns it")
        return LedgerStore.of_shop(neonpay, clock=clock)
    if database_url is not None:
        return LedgerStore.of_url(database_url, clock=clock)
    if not is_whole(max_events, 1, EVENTS_MAX):
        raise ValidationError("max_events", max_events, f"a whole number, 1–{EVENTS_MAX:,}")
    return MemoryStore(max_events)


class AnalyticsDashboard:
    """The report of a manager and its exports, for programs that ask for them here.

    Args:
        engine: the manager.
    """

    def __init__(self, engine: AnalyticsManager) -> None:
        self._manager = engine

    def generate_report(self, period: AnalyticsPeriod = DAY, days: int = 30) -> dict[str, JsonValue]:
        """``AnalyticsManager.get_dashboard_report``; empty when analytics are off."""
        return self._manager.get_dashboard_report(period, days) or {}

    def export_to_json(self, period: AnalyticsPeriod = DAY, days: int = 30) -> str:
        """The report as JSON."""
        return written(self.generate_report(period, days), "json")

    def export_to_csv(self, period: AnalyticsPeriod = DAY, days: int = 30) -> str:
        """The report as CSV."""
        return written(self.generate_report(period, days), "csv")

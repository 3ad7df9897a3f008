"""``MultiBotAnalyticsManager``: how several bots do together, called as the guide calls it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from types import TracebackType
from typing import Final, Self, TypeVar

from neonpay.analytics.managers import network_figures
from neonpay.analytics.managers.asked import DAYS_MAX, AnalyticsPeriod, Asked, checked_stars, checked_zone
from neonpay.analytics.managers.events import MultiBotEvent, bot_number, soft_event
from neonpay.analytics.managers.manager import DAY, store_of, written
from neonpay.analytics.managers.over_ledger import Shop
from neonpay.analytics.managers.roster import Roster, registered_names, registration, roster
from neonpay.analytics.managers.shapes import BotAnalytics, NetworkAnalytics
from neonpay.core.clock import Clock, SystemClock, microseconds, moment
from neonpay.core.jsontext import JsonValue
from neonpay.core.whole import is_whole
from neonpay.errors import ValidationError
from neonpay.ledger import Transaction
from neonpay.store.ids import new_event_id
from neonpay.tracking import SoftEvent
from neonpay.tracking.soft_event import is_aware

T = TypeVar("T")
_INT64: Final = 2**63 - 1


class MultiBotAnalyticsManager:
    """How several bots do together, by calls that wait for their answer.

    By itself it keeps what it is told in memory, and forgets it with the process. With a ledger the bots of that ledger are
    there without a word, with the figures of ``neonpay.reports``; other bots, whose payments are elsewhere, are those that are
    registered, and count by what is told of them. A question to a ledger blocks its caller for as long as it takes, so on an
    event loop it is asked by ``asyncio.to_thread``.

    Args:
        enable_analytics: without it nothing is kept, and every question is answered by None.
        neonpay: the program's shop, whose ledger has the bots.
        database_url: the ledger that has the bots, or that keeps what is told of bots elsewhere.
        max_events: how many events are kept in memory; the oldest go when there are more, and ``get_stats`` counts them.
        zone: whose days, weeks and months are meant.
        high_value_stars: from how many Stars in a period on somebody is a high-value user.
        clock: what "now" is.

    Raises:
        ConfigurationError: a shop and a database were both named, or the URL is none.
        ValidationError: an argument is not what it has to be.
    """

    def __init__(
        self,
        enable_analytics: bool = True,
        *,
        neonpay: Shop | None = None,
        database_url: str | None = None,
        max_events: int = 1_000_000,
        zone: tzinfo = UTC,
        high_value_stars: int = 1_000,
        clock: Clock | None = None,
    ) -> None:
        self.enable_analytics = enable_analytics
        self._zone = checked_zone(zone)
        self._high_value_stars = checked_stars(high_value_stars)
        self._clock = clock or SystemClock()
        self._store = store_of(neonpay, database_url, max_events, self._clock)
        self.neonpay = neonpay
        self.database_url = database_url
        self._named: dict[int, tuple[str, bool]] = {}
        """What was said of bots by their numbers, and whether only events said so."""

    def register_bot(self, bot_id: str, bot_name: str) -> None:
        """Have a bot in every report from now on, under this name.

        Args:
            bot_id: a word of yours, the bot's username, or Telegram's id of it. A bot of the ledger is known by the last two.
            bot_name: what people call it; another one than before takes its place.

        Raises:
            ValidationError: an argument is not what it has to be.
        """
        self._name(bot_id, bot_name, is_hearsay=False)

    def registered_names(self) -> dict[int, str]:
        """What bots were registered as, by the numbers under which reports keep them.

        Raises:
            LedgerError: the ledger cannot be used.
        """
        return self._store.read(registered_names) if self.enable_analytics else {}

    def hear_of_bot(self, bot_id: str, bot_name: str) -> None:
        """Have a bot in every report under the name that it says itself, as long as nobody has registered it.

        Raises:
            ValidationError: an argument is not what it has to be.
        """
        self._meet(bot_id, bot_name)

    def track_event(
        self,
        event_type: str,
        bot_id: str,
        user_id: int | None,
        amount: int | None = None,
        product_id: str | None = None,
        metadata: Mapping[str, JsonValue] | None = None,
        *,
        at: datetime | None = None,
        event_id: str | None = None,
    ) -> None:
        """Take something that happened at a bot; every report from now on has it.

        A bot that nobody has registered is registered by its own word. What is told of payments of a bot whose payments are in
        the ledger counts for nothing.

        Args:
            event_type: an ``EventType``, ``add_to_cart``, or whatever the bot names.
            amount: Stars, where it is about any.
            metadata: more of it, as JSON; its ``source`` says where the person came from.
            at: when it was; now when left out.
            event_id: the same for the same event however often it is told; it is kept once for each bot.

        Raises:
            ValidationError: an argument is not what it has to be; nothing was taken.
        """
        if not self.enable_analytics:
            return
        number = bot_number(bot_id)
        event = soft_event(
            event_type,
            number,
            user_id=user_id,
            amount=amount,
            subject=product_id,
            subject_called="product_id",
            metadata=metadata,
            at=at or self._now,
            event_id=event_id or new_event_id(),
        )
        if number not in self._named:
            self._meet(bot_id, bot_id)
        self._store.keep(event)

    def take(self, events: Sequence[MultiBotEvent]) -> int:
        """Have events of any bots kept on return, as whoever collects them gets them; how many were not there yet.

        An event that was taken before, by its bot and ``event_id``, is not taken again.

        Raises:
            ValidationError: an event is not what it has to be; none of them was taken.
            LedgerError: the ledger cannot be used; none of them was taken.
        """
        if not self.enable_analytics:
            return 0
        soft = []
        for place, event in enumerate(events):
            if not isinstance(event, MultiBotEvent):
                raise ValidationError(f"events[{place}]", event, "a MultiBotEvent")
            try:
                soft.append(_checked(event))
            except ValidationError as exc:
                raise exc.called({}, within=f"events[{place}]") from None
        for event in events:
            self._meet(event.bot_id, event.bot_name or event.bot_id)
        return self._store.write(soft)

    def get_bot_analytics(self, bot_id: str, period: AnalyticsPeriod = DAY, days: int = 30) -> BotAnalytics | None:
        """How one bot does; None when there is no such bot.

        Args:
            bot_id: its word, its username, Telegram's id of it, or its name.
        """

        def unit(transaction: Transaction, known: Roster, asked: Asked) -> BotAnalytics | None:
            bot = known.find(bot_id)
            return None if bot is None else network_figures.bot_analytics(transaction, known, asked, bot)

        return self._answer(unit, period, days)

    def get_network_analytics(self, period: AnalyticsPeriod = DAY, days: int = 30) -> NetworkAnalytics | None:
        """How all bots do together."""
        return self._answer(network_figures.network_analytics, period, days)

    def get_network_report(self, period: AnalyticsPeriod = DAY, days: int = 30) -> dict[str, JsonValue] | None:
        """All bots together and each of them, as ``json.dumps`` takes it; ``shed_events`` counts what is not in it any more."""
        found = self._answer(network_figures.network_report, period, days)
        return None if found is None else {**found.as_json(), "shed_events": self._store.shed}

    def export_network_analytics(
        self, format_type: str = "json", period: AnalyticsPeriod = DAY, days: int = 30
    ) -> str | None:
        """The network's report as text.

        Raises:
            ValidationError: the format is neither ``json`` nor ``csv``.
        """
        report = self.get_network_report(period, days)
        return None if report is None else written(report, format_type)

    def get_stats(self) -> dict[str, JsonValue]:
        """How much it knows, of the last ten years."""

        def unit(transaction: Transaction, known: Roster, asked: Asked) -> tuple[NetworkAnalytics, Roster]:
            return network_figures.network_analytics(transaction, known, asked), known

        found = self._answer(unit, AnalyticsPeriod.YEAR, DAYS_MAX)
        network, known = found or (NetworkAnalytics(), Roster())
        return {
            "enabled": self.enable_analytics,
            "registered_bots": network.total_bots,
            "total_events": network.total_events,
            "total_bot_events": network.total_events,
            "total_users": network.total_users,
            "bot_registry": {bot.bot_id: {"bot_name": bot.name} for bot in known.bots.values()},
            "shed_events": self._store.shed,
        }

    def cleanup_old_data(self, days: int = 90) -> int:
        """Forget what was told more than so many days ago; how many events that were. What the ledger knows itself stays.

        Raises:
            ValidationError: ``days`` is no such number.
        """
        self._asked(DAY, days)  # which refuses what is no number of days
        return self._store.clean(self._now - timedelta(days=days))

    def forget_person(self, bot_id: str, user_id: int, *, at: datetime | None = None) -> None:
        """Nothing that was told of a bot names this person any more; sums of Stars stay as they are.

        What comes late and was before is not kept either. Whoever comes back afterwards is somebody new.

        Args:
            at: up to when; now when left out.

        Raises:
            ValidationError: ``bot_id`` is no bot, ``user_id`` no person, or ``at`` no aware time.
            LedgerError: the ledger cannot be used; nothing was forgotten.
        """
        if not is_whole(user_id, -_INT64, _INT64):
            raise ValidationError("user_id", user_id, "Telegram's whole-number id")
        if at is not None and not is_aware(at):
            raise ValidationError("at", at, "a datetime with a time zone")
        self._store.forget(bot_number(bot_id), user_id, microseconds(at or self._now))

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

    def _meet(self, bot_id: str, name: str) -> None:
        if self._named.get(bot_number(bot_id), ("", True))[1]:
            self._name(bot_id, name, is_hearsay=True)

    def _name(self, bot_id: str, name: str, *, is_hearsay: bool) -> None:
        number = bot_number(bot_id)
        if self._named.get(number) == (name, is_hearsay):
            return
        event = registration(bot_id, name, self._now, is_hearsay=is_hearsay)
        if self.enable_analytics:
            self._named[number] = (name, is_hearsay)
            self._store.keep(event)

    def _asked(self, period: AnalyticsPeriod, days: int) -> Asked:
        return Asked.last(days, period, now=self._now, zone=self._zone, high_value_stars=self._high_value_stars)

    def _answer(self, unit: Callable[[Transaction, Roster, Asked], T], period: AnalyticsPeriod, days: int) -> T | None:
        if not self.enable_analytics:
            return None
        asked = self._asked(period, days)
        return self._store.read(lambda transaction: unit(transaction, roster(transaction), asked))


def _checked(event: MultiBotEvent) -> SoftEvent:
    """The event as it is kept; raises ValidationError: a field is not what it has to be, the name of the bot among them."""
    soft = event.as_soft()
    registration(event.bot_id, event.bot_name or event.bot_id, soft.at, is_hearsay=True)
    return soft

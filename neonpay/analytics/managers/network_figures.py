"""The figures of several bots in the shapes of the guide: each bot, and all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC
from typing import Final

from neonpay.analytics.figures import Takings
from neonpay.analytics.managers.asked import Asked
from neonpay.analytics.managers.happenings import Kinds, by_kind, last_at, most_active
from neonpay.analytics.managers.money import takings, trend, whole
from neonpay.analytics.managers.people import (
    Ranks,
    active,
    conversion_rate,
    journey,
    reached,
    reached_by,
    spenders,
)
from neonpay.analytics.managers.roster import KnownBot, Roster
from neonpay.analytics.managers.shapes import BotAnalytics, NetworkAnalytics
from neonpay.analytics.managers.sides import Sides
from neonpay.analytics.scope import Split
from neonpay.analytics.titles import titles
from neonpay.core.jsontext import JsonValue
from neonpay.ledger import Transaction

TOP_PRODUCTS: Final = 100
_NOBODY: Ranks = {}
_NOTHING: Kinds = {}


@dataclass(frozen=True, slots=True)
class NetworkReport:
    """All bots together and each of them, from one state of the store.

    Attributes:
        rich: how many people of each bot are high-value users, by its number.
    """

    asked: Asked
    network: NetworkAnalytics
    bots: Mapping[str, BotAnalytics]
    rich: Mapping[str, int]

    def as_json(self) -> dict[str, JsonValue]:
        """The report in the shape of the guide; ``json.dumps`` takes it."""
        return {
            "period": self.asked.as_json(),
            "network": asdict(self.network),
            "bots": {bot_id: self._bot(bot) for bot_id, bot in self.bots.items()},
            "generated_at": self.asked.now.astimezone(UTC).isoformat(),
        }

    def _bot(self, bot: BotAnalytics) -> dict[str, JsonValue]:
        found: dict[str, JsonValue] = asdict(bot)
        del found["user_activity"]
        return {
            **found,
            "user_activity_summary": {
                "total_users": bot.total_users,
                "high_value_users": self.rich.get(bot.bot_id, 0),
                "active_users": bot.total_users,
            },
        }


@dataclass(frozen=True, slots=True)
class _Counts:
    """What is counted of each bot, by its number, in one reading for all of them."""

    money: Mapping[int, Takings]
    kinds: Mapping[int, Kinds]
    ranks: Mapping[str, Ranks]
    last: Mapping[int, float]

    def analytics(
        self,
        bot: KnownBot,
        sides: Sides,
        products: Mapping[str, int],
        users: Mapping[int, Mapping[str, JsonValue]],
    ) -> BotAnalytics:
        money, kinds = self.money.get(bot.number, Takings()), self.kinds.get(bot.number, _NOTHING)
        ranks = self.ranks.get(str(bot.number), _NOBODY)
        return BotAnalytics(
            bot_id=bot.bot_id,
            bot_name=bot.name,
            total_events=sum(kinds.values()),
            total_users=active(ranks),
            total_revenue=money.net_stars,
            total_transactions=money.orders,
            conversion_rate=conversion_rate(ranks),
            last_activity=self.last.get(bot.number),
            events_by_type=kinds,
            revenue_by_product=products,
            user_activity=users,
            source="ledger" if bot.number in sides.ledger else "events",
        )


def bot_analytics(transaction: Transaction, roster: Roster, asked: Asked, bot: KnownBot) -> BotAnalytics:
    """How one bot does, with its people."""
    sides = roster.sides.only(bot.number)
    users = most_active(transaction, sides, asked.period.span)
    return _counts(transaction, sides, asked).analytics(bot, sides, _products_of(transaction, sides, asked), users)


def network_analytics(transaction: Transaction, roster: Roster, asked: Asked) -> NetworkAnalytics:
    """How all bots do together."""
    return _network(transaction, roster, asked, _counts(transaction, roster.sides, asked))


def network_report(transaction: Transaction, roster: Roster, asked: Asked) -> NetworkReport:
    """All bots together and each of them."""
    counts = _counts(transaction, roster.sides, asked)
    found: dict[str, BotAnalytics] = {}
    rich: dict[str, int] = {}
    spent = spenders(transaction, roster.sides, asked.period.span, asked.high_value_stars)
    for number in roster.sides.all:
        bot, sides = roster.bots[number], roster.sides.only(number)
        found[bot.bot_id] = counts.analytics(bot, sides, _products_of(transaction, sides, asked), {})
        rich[bot.bot_id] = spent.get(number, 0)
    return NetworkReport(asked, _network(transaction, roster, asked, counts), found, rich)


def _counts(transaction: Transaction, sides: Sides, asked: Asked) -> _Counts:
    span = asked.period.span
    money = takings(transaction, sides, [span], Split.BOT)
    return _Counts(
        money={int(bot): one for (_, bot), one in money.items()},
        kinds=by_kind(transaction, sides, asked),
        ranks=reached_by(transaction, sides, span, "bot_id"),
        last=last_at(transaction, sides, span),
    )


def _products_of(transaction: Transaction, sides: Sides, asked: Asked) -> dict[str, int]:
    found = takings(transaction, sides, [asked.period.span], Split.STAGE)
    ranked = sorted(found.items(), key=lambda item: (-item[1].net_stars, item[0][1]))
    return {product: one.net_stars for (_, product), one in ranked}


def _network(transaction: Transaction, roster: Roster, asked: Asked, counts: _Counts) -> NetworkAnalytics:
    sides, span = roster.sides, asked.period.span
    money = whole(transaction, sides, span)
    ranks = reached(transaction, sides, span)
    return NetworkAnalytics(
        total_bots=len(roster.bots),
        total_events=sum(sum(kinds.values()) for kinds in counts.kinds.values()),
        total_users=active(ranks),
        total_revenue=money.net_stars,
        total_transactions=money.orders,
        network_conversion_rate=conversion_rate(ranks),
        top_performing_bots=_top_bots(roster, counts),
        top_products=_top_products(transaction, sides, asked),
        user_journey=journey(ranks),
        revenue_trends=trend(transaction, sides, asked),
    )


def _top_bots(roster: Roster, counts: _Counts) -> list[dict[str, JsonValue]]:
    listed: list[tuple[int, dict[str, JsonValue]]] = []
    for bot in roster.bots.values():
        money = counts.money.get(bot.number, Takings())
        ranks = counts.ranks.get(str(bot.number), _NOBODY)
        listed.append(
            (
                money.net_stars,
                {
                    "bot_id": bot.bot_id,
                    "bot_name": bot.name,
                    "revenue": money.net_stars,
                    "transactions": money.orders,
                    "users": active(ranks),
                    "conversion_rate": conversion_rate(ranks),
                },
            )
        )
    return [one for _, one in sorted(listed, key=lambda item: (-item[0], str(item[1]["bot_id"])))]


def _top_products(transaction: Transaction, sides: Sides, asked: Asked) -> list[dict[str, JsonValue]]:
    found = takings(transaction, sides, [asked.period.span], Split.STAGE)
    ranked = sorted(found.items(), key=lambda item: (-item[1].net_stars, item[0][1]))[:TOP_PRODUCTS]
    names = {} if sides.scope is None else titles(transaction, sides.scope)
    return [
        {
            "product_id": product,
            "product_name": names.get(product) or product,
            "revenue": one.net_stars,
            "sales": one.orders,
        }
        for (_, product), one in ranked
    ]

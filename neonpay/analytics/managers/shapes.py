"""What the managers give, in the shapes that the guide has. Stars are whole, rates are per hundred and never above 100."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from neonpay.core.jsontext import JsonValue


@dataclass(frozen=True, slots=True)
class RevenueData:
    """What was sold.

    Attributes:
        total_revenue: Stars, less what of these very payments went back.
        total_transactions: payments, renewals among them.
        average_transaction: what one of them was worth before anything went back; 0.0 without any.
        daily_breakdown: Stars by day, days without sales among them.
        hourly_breakdown: Stars by hour, for hours that sold something; for more than 92 days only when hours were asked for.
        breakdown: Stars by the period that was asked for, in the order of time; a week is called by its Monday.
        refunded: of these payments, the Stars that went back.
    """

    total_revenue: int
    total_transactions: int
    average_transaction: float
    period: str
    start_date: datetime
    end_date: datetime
    daily_breakdown: Mapping[str, int] = field(default_factory=dict)
    hourly_breakdown: Mapping[str, int] = field(default_factory=dict)
    breakdown: Mapping[str, int] = field(default_factory=dict)
    refunded: int = 0


@dataclass(frozen=True, slots=True)
class ConversionData:
    """How many of the people who came have bought.

    Attributes:
        total_visitors: people of whom anything but a renewal is known in this time, each once.
        total_purchases: payments without renewals.
        conversion_rate: of a hundred visitors, how many have bought.
        funnel_steps: people who came to each step or to a later one, each once.
        drop_off_points: of a hundred people who came to a step, how many came to none after it.
    """

    total_visitors: int
    total_purchases: int
    conversion_rate: float
    period: str
    funnel_steps: Mapping[str, int] = field(default_factory=dict)
    drop_off_points: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProductPerformance:
    """How one product does.

    Attributes:
        product_name: the title of its stage; its id where no title is known.
        total_sales: payments, renewals among them.
        total_revenue: Stars, less what of these very payments went back.
        conversion_rate: of a hundred people who looked at it, were sent an invoice for it or bought it, how many bought it.
        average_price: what one payment brought before anything went back.
        views: how often it was looked at, as far as that was told.
        purchases: payments without renewals.
    """

    product_id: str
    product_name: str
    total_sales: int
    total_revenue: int
    conversion_rate: float
    average_price: float
    views: int = 0
    purchases: int = 0


@dataclass(frozen=True, slots=True)
class BotAnalytics:
    """How one bot of several does.

    Attributes:
        bot_id: the word by which it is registered, or Telegram's id.
        total_events: everything that is in ``events_by_type``.
        total_users: people of whom anything is known in this time.
        conversion_rate: as in ``ConversionData``.
        last_activity: when something happened last in this time, in seconds since the epoch.
        user_activity: the hundred people with the most events; ``total_users`` says how many there are.
        source: ``ledger`` where its payments are in the ledger, ``events`` where they are only told.
    """

    bot_id: str
    bot_name: str
    total_events: int = 0
    total_users: int = 0
    total_revenue: int = 0
    total_transactions: int = 0
    conversion_rate: float = 0.0
    last_activity: float | None = None
    events_by_type: Mapping[str, int] = field(default_factory=dict)
    revenue_by_product: Mapping[str, int] = field(default_factory=dict)
    user_activity: Mapping[int, Mapping[str, JsonValue]] = field(default_factory=dict)
    source: str = "events"


@dataclass(frozen=True, slots=True)
class NetworkAnalytics:
    """How all bots do together.

    Attributes:
        total_users: people, each once, whichever bots they use.
        network_conversion_rate: as in ``ConversionData``.
        top_performing_bots: all bots, most revenue first.
        top_products: the hundred products with the most revenue.
        user_journey: people who came to each step or a later one; the steps of ``ConversionData``.
        revenue_trends: Stars by the period that was asked for.
    """

    total_bots: int = 0
    total_events: int = 0
    total_users: int = 0
    total_revenue: int = 0
    total_transactions: int = 0
    network_conversion_rate: float = 0.0
    top_performing_bots: list[dict[str, JsonValue]] = field(default_factory=list)
    top_products: list[dict[str, JsonValue]] = field(default_factory=list)
    user_journey: Mapping[str, int] = field(default_factory=dict)
    revenue_trends: Mapping[str, int] = field(default_factory=dict)

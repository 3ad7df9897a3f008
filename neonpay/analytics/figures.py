"""What reports give: facts without behaviour. Stars are whole; a figure that cannot be said is None, and never 0."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from neonpay.analytics.periods import Bucket, Period, Span


@dataclass(frozen=True, slots=True)
class Takings:
    """What was paid, and what of it went back, whenever it did.

    Attributes:
        orders: payments.
        gross_stars: what they brought.
        returned: how many of these very payments were refunded.
        returned_stars: what that was.
    """

    orders: int = 0
    gross_stars: int = 0
    returned: int = 0
    returned_stars: int = 0

    @property
    def net_stars(self) -> int:
        """What is left."""
        return self.gross_stars - self.returned_stars

    @property
    def refund_rate(self) -> float | None:
        """The share of these payments that was refunded; None without payments."""
        return self.returned / self.orders if self.orders else None

    def __add__(self, other: Takings) -> Takings:
        return Takings(
            self.orders + other.orders,
            self.gross_stars + other.gross_stars,
            self.returned + other.returned,
            self.returned_stars + other.returned_stars,
        )

    @staticmethod
    def sum(each: Iterable[Takings]) -> Takings:
        """All of them together."""
        total = Takings()
        for one in each:
            total += one
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class RevenuePoint:
    """One bucket of a revenue report.

    Attributes:
        one_off, subscriptions: by the day of payment; a subscription's first period and its renewals are subscriptions.
        refunds, refunded_stars: what was refunded in this bucket, whenever it had been paid.
    """

    span: Span
    one_off: Takings = Takings()
    subscriptions: Takings = Takings()
    refunds: int = 0
    refunded_stars: int = 0

    @property
    def takings(self) -> Takings:
        """Both kinds together."""
        return self.one_off + self.subscriptions


@dataclass(frozen=True, slots=True, kw_only=True)
class RevenueShare:
    """What one stage, plan, bot, language or source has brought.

    Attributes:
        key: its id; "" where none is known.
        takings: in the period.
        points: in each bucket, in the order of ``Revenue.points``.
    """

    key: str
    takings: Takings
    points: tuple[Takings, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Revenue:
    """Revenue in a period.

    Attributes:
        shares: by what it was asked to be taken apart, largest net first; empty when it was not.
        refunds, refunded_stars: what was refunded in the period, whenever it had been paid.
        before: the same of the period before, cut at the same moment; None when it was not asked for.
    """

    period: Period
    by: Bucket
    points: tuple[RevenuePoint, ...]
    one_off: Takings
    subscriptions: Takings
    refunds: int
    refunded_stars: int
    shares: tuple[RevenueShare, ...] = ()
    before: Takings | None = None

    @property
    def takings(self) -> Takings:
        """Both kinds together, by the day of payment."""
        return self.one_off + self.subscriptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """Payments of a period and what they were worth.

    Attributes:
        average_stars, median_stars: None without orders; the median of an even number is the mean of the two in the middle.
        customers: people who paid, each once, whichever bots they paid.
        new_customers: those whose first payment to these bots it was.
        arppu_stars: net of the period for each customer; None without customers.
    """

    takings: Takings
    average_stars: float | None
    median_stars: float | None
    customers: int
    new_customers: int
    arppu_stars: float | None


@dataclass(frozen=True, slots=True)
class Declined:
    """How many checkouts were declined for one reason."""

    reason: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """How far people came on the way to what they bought; renewals are not on it.

    Attributes:
        viewed: looks at an offer that the bot has told of as ``product_view``; None while it tells of none.
        invoiced: invoices that were written.
        checkouts: answers to people who pressed Pay, with what was declined.
        declines: why, most frequent first.
        paid: orders without renewals.
        delivered: those of ``paid`` that were delivered.
        ripe: invoices of the period that are at least a day old.
        abandoned: those of ``ripe`` that nobody has paid.
    """

    period: Period
    viewed: int | None = None
    invoiced: int
    checkouts: int
    declined: int
    declines: tuple[Declined, ...]
    paid: int
    delivered: int
    ripe: int
    abandoned: int

    @property
    def decline_rate(self) -> float | None:
        """The share of checkouts that was declined; None without checkouts."""
        return self.declined / self.checkouts if self.checkouts else None

    @property
    def abandonment_rate(self) -> float | None:
        """The share of ripe invoices that nobody has paid; None without any."""
        return self.abandoned / self.ripe if self.ripe else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What the bots have at Telegram, as the books say.

    Attributes:
        nanostars: what the books say now, in billionths of a Star; the whole ones are ``stars``.
        held_stars: net of what was paid in the last 21 days, which Telegram may hold back.
        telegram_nanostars: what Telegram said last; None when it was not asked yet about each of the bots.
        as_of: when that was, for the bot for which it was longest ago.
        drift_nanostars: by how much Telegram's balance was above its list of transactions at that time.
    """

    nanostars: int
    held_stars: int
    telegram_nanostars: int | None
    as_of: datetime | None
    drift_nanostars: int

    @property
    def stars(self) -> int:
        """Whole Stars."""
        return self.nanostars // 1_000_000_000

    @property
    def withdrawable_stars(self) -> int:
        """What is not held."""
        return max(0, self.stars - self.held_stars)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The short account of a period that an owner reads first.

    Attributes:
        one_off, subscriptions: by the day of payment.
        orders, median_stars: as in ``Orders``.
        customers: people who paid.
        active_subscriptions: at the end of the period.
        balance: now.
        gap_stars: Stars of payments that Telegram's list of transactions does not have, or not yet; None when the books of a
            bot were never compared with it.
    """

    period: Period
    one_off: Takings
    subscriptions: Takings
    median_stars: float | None
    customers: int
    active_subscriptions: int
    balance: Balance
    gap_stars: int | None
    before: Takings | None = None

    @property
    def takings(self) -> Takings:
        """Both kinds together."""
        return self.one_off + self.subscriptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What one stage has brought in a period.

    Attributes:
        title: of its newest version; "" where none is known.
        invoiced, declined: invoices written and checkouts declined.
        delivered: how many of its orders were delivered.
    """

    stage_id: str
    title: str
    takings: Takings
    invoiced: int
    declined: int
    delivered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """What waits for a person now.

    Attributes:
        payments: those that go on without nobody: undecided, with a delivery that was given up or that no program takes,
            or with a refund that Telegram refuses.
        undecided, undecided_stars: payments that need a decision.
        going_back, going_back_stars: payments whose refund is due and has not gone through.
        dead: jobs that have failed for the last time.
        stranded: jobs whose consumer no program has.
        stuck: deliveries that should have begun more than ten minutes ago.
        requests: buyers' requests for refunds that nobody has decided.
        unexplained: payments that Telegram's list of transactions does not have.
    """

    payments: int
    undecided: int
    undecided_stars: int
    going_back: int
    going_back_stars: int
    dead: int
    stranded: int
    stuck: int
    requests: int
    unexplained: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryTimes:
    """How long deliveries took, from the payment to the end of its last handler.

    Attributes:
        delivered: how many were.
        p50_s, p95_s, p99_s: so many seconds at most for 50, 95 and 99 of a hundred; to two digits. None without deliveries.
    """

    delivered: int
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDay:
    """One line of the T-account: what we wrote, what Telegram's list has, and what is between.

    Attributes:
        paid_stars, refunded_stars: by the day they were made; other movements by the day they were found.
        unlisted_stars: of what was paid, what Telegram's list does not have, or not yet.
    """

    span: Span
    paid_stars: int
    refunded_stars: int
    other_nanostars: int
    unlisted: int
    unlisted_stars: int

    @property
    def ledger_stars(self) -> int:
        """What the ledger says that the day did, other movements in whole Stars."""
        return self.paid_stars - self.refunded_stars + self.other_nanostars // 1_000_000_000

    @property
    def telegram_stars(self) -> int:
        """What of it Telegram's list has."""
        return self.ledger_stars - self.unlisted_stars

    @property
    def gap_stars(self) -> int:
        """What is between."""
        return self.unlisted_stars


@dataclass(frozen=True, slots=True)
class Spending:
    """What moved Stars beside sales in a period: withdrawals, gifts, ads and the like; below zero for what went out."""

    account: str
    count: int
    nanostars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The T-account of a period.

    Attributes:
        days: oldest first.
        others: movements beside sales, by account.
        unexplained: payments that Telegram's list does not have although it was read since.
        waiting: payments that no comparison has looked for yet.
    """

    period: Period
    days: tuple[AccountDay, ...]
    others: tuple[Spending, ...]
    balance: Balance
    unexplained: int
    unexplained_stars: int
    waiting: int
    waiting_stars: int

    @property
    def gap_stars(self) -> int | None:
        """What the ledger has and Telegram's list does not, or not yet, over all time; None when they were never compared."""
        return None if self.balance.as_of is None else self.unexplained_stars + self.waiting_stars


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that an owner should look at.

    Attributes:
        id: which rule has found it, such as ``many_declines``.
        count: how often.
        subject: the stage, the invoice or the user that it is about; "" when it is about the shop.
        stars: what it is about in Stars, where that says something.
    """

    id: str
    bot_id: int
    count: int
    subject: str = ""
    stars: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proceeds:
    """What the net revenue of a period would be worth as a reward; an estimate that decides nothing.

    Attributes:
        usd: estimated by the rate that was read last by each day; ``neonpay.core.reward_rates`` has them.
    """

    net_stars: int
    usd: float

"""The figures of one shop in the shapes of the guide: products, people, and the report that has all of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC

from neonpay.analytics.counting import counted, sums, whole_quarters
from neonpay.analytics.figures import Takings
from neonpay.analytics.managers.asked import Asked
from neonpay.analytics.managers.happenings import views
from neonpay.analytics.managers.money import revenue_data, takings, whole
from neonpay.analytics.managers.people import (
    Ranks,
    active,
    conversion_data,
    conversion_rate,
    newcomers,
    reached,
    reached_by,
    returned,
    spenders,
)
from neonpay.analytics.managers.shapes import ConversionData, ProductPerformance, RevenueData
from neonpay.analytics.managers.sides import Sides
from neonpay.analytics.measures import RENEWAL, Measure
from neonpay.analytics.scope import Split
from neonpay.analytics.titles import titles
from neonpay.core.jsontext import JsonValue
from neonpay.ledger import Transaction

NO_PEOPLE: Ranks = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """All figures of one shop, from one state of its store."""

    asked: Asked
    revenue: RevenueData
    conversion: ConversionData
    products: list[ProductPerformance]
    users: dict[str, int | float]

    def as_json(self) -> dict[str, JsonValue]:
        """The report in the shape of the guide; ``json.dumps`` takes it."""
        revenue, conversion = self.revenue, self.conversion
        return {
            "period": self.asked.as_json(),
            "revenue": {
                **self._totals,
                "daily_breakdown": dict(revenue.daily_breakdown),
                "hourly_breakdown": dict(revenue.hourly_breakdown),
                "breakdown": dict(revenue.breakdown),
            },
            "conversion": {
                **self._rates,
                "funnel_steps": dict(conversion.funnel_steps),
                "drop_off_points": dict(conversion.drop_off_points),
            },
            "products": [asdict(product) for product in self.products],
            "users": dict(self.users),
            "generated_at": self._at,
        }

    def totals_as_json(self) -> dict[str, JsonValue]:
        """The same without breakdowns and products."""
        return {
            "period": self.asked.as_json(),
            "revenue": self._totals,
            "conversion": self._rates,
            "users": dict(self.users),
            "generated_at": self._at,
        }

    @property
    def _totals(self) -> dict[str, JsonValue]:
        return {
            "total": self.revenue.total_revenue,
            "transactions": self.revenue.total_transactions,
            "average_transaction": self.revenue.average_transaction,
            "refunded": self.revenue.refunded,
        }

    @property
    def _rates(self) -> dict[str, JsonValue]:
        return {
            "rate": self.conversion.conversion_rate,
            "visitors": self.conversion.total_visitors,
            "purchases": self.conversion.total_purchases,
        }

    @property
    def _at(self) -> str:
        return self.asked.now.astimezone(UTC).isoformat()


def dashboard(transaction: Transaction, sides: Sides, asked: Asked) -> Dashboard:
    """All figures of one shop."""
    revenue = revenue_data(transaction, sides, asked)
    ranks = reached(transaction, sides, asked.period.span)
    return Dashboard(
        asked=asked,
        revenue=revenue,
        conversion=conversion_data(ranks, purchases(transaction, sides, asked), asked),
        products=products(transaction, sides, asked),
        users=insights(transaction, sides, asked, ranks, revenue.total_revenue),
    )


def conversion(transaction: Transaction, sides: Sides, asked: Asked) -> ConversionData:
    """How many of the people who came have bought."""
    ranks = reached(transaction, sides, asked.period.span)
    return conversion_data(ranks, purchases(transaction, sides, asked), asked)


def purchases(transaction: Transaction, sides: Sides, asked: Asked) -> int:
    """Payments without renewals."""
    return whole(transaction, sides, asked.period.span).orders - sum(_renewals(transaction, sides, asked).values())


def _renewals(transaction: Transaction, sides: Sides, asked: Asked) -> dict[str, int]:
    if sides.scope is None:
        return {}
    rows = counted(transaction, Measure.PAID, sides.scope, [asked.period.span])
    found = sums(transaction, rows, "stage_id", "kind")
    return {str(stage): number for (stage, kind), number, _ in found if kind == RENEWAL}


def products(transaction: Transaction, sides: Sides, asked: Asked) -> list[ProductPerformance]:
    """What each product has brought, most first; one that was only looked at or offered is among them."""
    span = asked.period.span
    sold = {key: one for (_, key), one in takings(transaction, sides, [span], Split.STAGE).items()}
    renewed = _renewals(transaction, sides, asked)
    ranks = reached_by(transaction, sides, span, "subject")
    viewed = views(transaction, sides, span)
    names = {} if sides.scope is None else titles(transaction, sides.scope)
    invoiced: dict[str, int] = {}
    if sides.scope is not None:
        rows = counted(transaction, Measure.INVOICED, sides.scope, [whole_quarters(span)])
        invoiced = {str(stage): number for (stage,), number, _ in sums(transaction, rows, "stage_id")}
    listed = []
    for product_id in {*sold, *viewed, *invoiced}:
        one = sold.get(product_id, Takings())
        listed.append(
            ProductPerformance(
                product_id=product_id,
                product_name=names.get(product_id) or product_id,
                total_sales=one.orders,
                total_revenue=one.net_stars,
                conversion_rate=conversion_rate(ranks.get(product_id, NO_PEOPLE)),
                average_price=one.gross_stars / one.orders if one.orders else 0.0,
                views=viewed.get(product_id, 0),
                purchases=one.orders - renewed.get(product_id, 0),
            )
        )
    return sorted(listed, key=lambda one: (-one.total_revenue, one.product_id))


def insights(
    transaction: Transaction, sides: Sides, asked: Asked, ranks: Ranks, net_stars: int
) -> dict[str, int | float]:
    """Who was there, each once; of a hundred people of the period before, how many came again."""
    here = active(ranks)
    new = newcomers(transaction, sides, asked.period.span)
    before, again = returned(transaction, sides, asked)
    return {
        "total_active_users": here,
        "new_users": new,
        "returning_users": here - new,
        "high_value_users": spenders(transaction, sides, asked.period.span, asked.high_value_stars).get(0, 0),
        "total_user_revenue": net_stars,
        "average_revenue_per_user": net_stars / here if here else 0.0,
        "user_retention_rate": 100 * again / before if before else 0.0,
    }

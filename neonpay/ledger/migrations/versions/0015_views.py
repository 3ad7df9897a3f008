"""Views for other people's programs: what Metabase, Grafana and notebooks read, under names that say their version.

A column of a view stays, with its meaning, for as long as the view does; new ones are added at the end, in a migration of
their own, by ``CREATE OR REPLACE`` on PostgreSQL, so that rights that were granted on a view and views that stand on it last.
A migration that rebuilds a table drops the views first and makes them anew, since SQLite renames no table under a view.

Only functions that every SQLite and every PostgreSQL has are used: the readers are not our connections.
"""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
works_with = "0010"
"""A program of before reads no view."""

_MOMENTS = {
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%S', {0} / 1000000, 'unixepoch') || printf('.%06dZ', {0} % 1000000)",
    "postgresql": "timestamp with time zone 'epoch' + {0} * interval '1 microsecond'",
}
_DAYS = {
    "sqlite": "date({0} / 1000000, 'unixepoch')",
    "postgresql": "(timestamp 'epoch' + {0} * interval '1 microsecond')::date",
}
_TITLES = {
    "sqlite": "json_extract({0}.content, '$.title')",
    # PostgreSQL has no text with a NUL in it, and fails where JSON would give one.
    "postgresql": r"CASE WHEN position('\u0000' IN {0}.content) = 0 THEN {0}.content::json ->> 'title' END",
}
_NOW_US = {
    "sqlite": "CAST(strftime('%s', 'now') AS INTEGER) * 1000000",
    "postgresql": "(extract(epoch FROM now()) * 1000000)::bigint",
}


def upgrade() -> None:
    """Make the views; no table changes."""
    connection = op.get_bind()
    for make in (_payments, _refunds, _subscriptions, _events):
        connection.exec_driver_sql(make(connection.dialect.name))


def _time(dialect: str, column: str, name: str) -> str:
    """A time as one, and in microseconds."""
    return f"{_MOMENTS[dialect].format(column)} AS {name}_at, {column} AS {name}_at_us"


def _time_and_day(dialect: str, column: str, name: str) -> str:
    return f"{_time(dialect, column, name)}, {_DAYS[dialect].format(column)} AS {name}_on"


def _is(dialect: str, condition: str, name: str) -> str:
    """A truth: ``boolean`` on PostgreSQL, 1 or 0 on SQLite, which has no other."""
    return f"(CASE WHEN {condition} THEN {'true' if dialect == 'postgresql' else '1'} ELSE " + (
        f"{'false' if dialect == 'postgresql' else '0'} END) AS {name}"
    )


_WHO = "who.username, who.first_name, who.language_code"
_STAGE = "sold.bot_id = {0}.bot_id AND sold.stage_id = {0}.stage_id AND sold.version = {0}.stage_version"
_PERSON = "LEFT JOIN neonpay_people who ON who.bot_id = {0}.bot_id AND who.user_id = {0}.user_id"


def _payments(dialect: str) -> str:
    return f"""
CREATE VIEW neonpay_v1_payments AS SELECT
  paid.bot_id, paid.charge_id, paid.user_id, {_WHO},
  paid.stage_id, paid.stage_version, {_TITLES[dialect].format("sold")} AS stage_title,
  paid.amount_stars, paid.currency, paid.state, paid.attention,
  {_is(dialect, "paid.state = 'accepted'", "is_accepted")},
  {_is(dialect, "paid.state = 'refunded'", "is_refunded")},
  {_is(dialect, "paid.is_recurring = 1", "is_recurring")},
  {_is(dialect, "paid.is_first_recurring = 1", "is_first_recurring")},
  {_time_and_day(dialect, "paid.paid_at", "paid")},
  {_time(dialect, "paid.recorded_at", "recorded")},
  {_time(dialect, "paid.subscription_expires_at", "subscription_expires")},
  {_time(dialect, "back.finished_at", "refunded")},
  paid.invoice_id, paid.number, paid.source
FROM neonpay_payments paid
LEFT JOIN neonpay_stages sold ON {_STAGE.format("paid")}
LEFT JOIN neonpay_refunds back ON back.bot_id = paid.bot_id AND back.charge_id = paid.charge_id AND back.state = 'refunded'
{_PERSON.format("paid")}
"""


def _refunds(dialect: str) -> str:
    return f"""
CREATE VIEW neonpay_v1_refunds AS SELECT
  back.bot_id, back.charge_id, back.user_id, {_WHO},
  paid.stage_id, {_TITLES[dialect].format("sold")} AS stage_title,
  back.amount_stars, back.state, back.reason, back.requested_by, back.source, back.error,
  {_is(dialect, "back.state = 'refunded'", "is_refunded")},
  {_time_and_day(dialect, "back.requested_at", "requested")},
  {_time_and_day(dialect, "back.finished_at", "finished")},
  {_time_and_day(dialect, "paid.paid_at", "paid")}
FROM neonpay_refunds back
LEFT JOIN neonpay_payments paid ON paid.bot_id = back.bot_id AND paid.charge_id = back.charge_id
LEFT JOIN neonpay_stages sold ON {_STAGE.format("paid")}
{_PERSON.format("back")}
"""


def _subscriptions(dialect: str) -> str:
    # What Telegram said before the newest period was recorded was about an earlier one. A period that went back gives nothing.
    return f"""
CREATE VIEW neonpay_v1_subscriptions AS SELECT
  run.bot_id, run.invoice_id, run.user_id, {_WHO},
  run.stage_id, {_TITLES[dialect].format("sold")} AS stage_title, run.charge_id, run.price_stars, run.state,
  {_is(dialect, "run.state <> 'ended'", "is_active")},
  {_is(dialect, "run.state = 'active'", "is_renewing")},
  run.periods_paid, run.periods_refunded, run.stars_kept,
  {_time_and_day(dialect, "run.first_paid_us", "first_paid")},
  {_time_and_day(dialect, "run.last_paid_us", "last_paid")},
  {_time_and_day(dialect, "run.expires_us", "expires")}
FROM (
  SELECT
    period.bot_id, period.invoice_id, period.user_id, period.stage_id, period.stage_version, period.charge_id,
    period.amount_stars AS price_stars, sums.periods_paid, sums.periods_refunded, sums.stars_kept,
    sums.first_paid_us, sums.last_paid_us, sums.expires_us,
    CASE
      WHEN sums.periods_accepted = 0 THEN 'ended'
      WHEN sums.expires_us <= {_NOW_US[dialect]} THEN 'ended'
      WHEN told.changed_at >= sums.recorded_us THEN told.state
      ELSE 'active'
    END AS state
  FROM (
    SELECT
      bot_id, invoice_id, user_id,
      count(*) AS periods_paid,
      sum(CASE WHEN state = 'refunded' THEN 1 ELSE 0 END) AS periods_refunded,
      sum(CASE WHEN state = 'accepted' THEN 1 ELSE 0 END) AS periods_accepted,
      sum(CASE WHEN state = 'accepted' THEN amount_stars ELSE 0 END) AS stars_kept,
      min(paid_at) AS first_paid_us, max(paid_at) AS last_paid_us, max(recorded_at) AS recorded_us,
      max(CASE WHEN state = 'accepted' THEN subscription_expires_at END) AS expires_us
    FROM neonpay_payments
    WHERE is_recurring = 1 AND invoice_id IS NOT NULL
    GROUP BY bot_id, invoice_id, user_id
  ) sums
  JOIN (
    SELECT
      bot_id, invoice_id, user_id, stage_id, stage_version, charge_id, amount_stars,
      row_number() OVER (PARTITION BY bot_id, invoice_id, user_id ORDER BY paid_at DESC, charge_id) AS place
    FROM neonpay_payments
    WHERE is_recurring = 1 AND invoice_id IS NOT NULL
  ) period ON period.place = 1
    AND period.bot_id = sums.bot_id AND period.invoice_id = sums.invoice_id AND period.user_id = sums.user_id
  LEFT JOIN neonpay_subscriptions told
    ON told.bot_id = sums.bot_id AND told.invoice_id = sums.invoice_id AND told.user_id = sums.user_id
) run
LEFT JOIN neonpay_stages sold ON {_STAGE.format("run")}
{_PERSON.format("run")}
"""


def _events(dialect: str) -> str:
    newest = "SELECT max(version) FROM neonpay_stages n WHERE n.bot_id = fact.bot_id AND n.stage_id = fact.stage_id"
    return f"""
CREATE VIEW neonpay_v1_events AS SELECT
  fact.bot_id, fact.event_id, fact.number, fact.name, fact.user_id, {_WHO},
  fact.stage_id, {_TITLES[dialect].format("sold")} AS stage_title, fact.invoice_id, fact.charge_id, fact.amount_stars,
  fact.reason, fact.handler,
  {_time_and_day(dialect, "fact.at", "happened")}
FROM neonpay_events fact
LEFT JOIN neonpay_stages sold ON sold.bot_id = fact.bot_id AND sold.stage_id = fact.stage_id AND sold.version = ({newest})
{_PERSON.format("fact")}
"""

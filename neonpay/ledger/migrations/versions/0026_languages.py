"""Payments keep the language that their buyer had, by which reports take revenue apart."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
works_with = "0010"
"""A program of before writes payments without it, which then count under the language of their person, and erases nobody's."""

_MOMENTS = {
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%S', {0} / 1000000, 'unixepoch') || printf('.%06dZ', {0} % 1000000)",
    "postgresql": "timestamp with time zone 'epoch' + {0} * interval '1 microsecond'",
}
_DAYS = {
    "sqlite": "date({0} / 1000000, 'unixepoch')",
    "postgresql": "(timestamp 'epoch' + {0} * interval '1 microsecond')::date",
}
_TITLES = {
    "sqlite": "json_extract(sold.content, '$.title')",
    # PostgreSQL has no text with a NUL in it, and fails where JSON would give one.
    "postgresql": r"CASE WHEN position('\u0000' IN sold.content) = 0 THEN sold.content::json ->> 'title' END",
}


def upgrade() -> None:
    """Add a column, one at the end of a view, and a table, which a task fills by and by; what is there stays as it is."""
    op.add_column("neonpay_payments", sa.Column("language_code", sa.Text))
    op.create_table(
        "neonpay_rollup_languages",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("language_code", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "user_id"),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    dialect = connection.dialect.name
    if dialect == "sqlite":
        connection.exec_driver_sql("DROP VIEW neonpay_v1_payments")
    connection.exec_driver_sql(_payments(dialect))


def _time(dialect: str, column: str, name: str) -> str:
    return f"{_MOMENTS[dialect].format(column)} AS {name}_at, {column} AS {name}_at_us"


def _time_and_day(dialect: str, column: str, name: str) -> str:
    return f"{_time(dialect, column, name)}, {_DAYS[dialect].format(column)} AS {name}_on"


def _is(dialect: str, condition: str, name: str) -> str:
    yes, no = ("true", "false") if dialect == "postgresql" else ("1", "0")
    return f"(CASE WHEN {condition} THEN {yes} ELSE {no} END) AS {name}"


_IN_ITS_PLACE = {"sqlite": "", "postgresql": "OR REPLACE"}
"""On PostgreSQL rights that were granted on a view, and views that stand on it, last."""
_WHO = "who.username, who.first_name, who.language_code"
_PERSON = "LEFT JOIN neonpay_people who ON who.bot_id = {0}.bot_id AND who.user_id = {0}.user_id"
_SOLD = """
LEFT JOIN neonpay_stages sold
  ON sold.bot_id = paid.bot_id AND sold.stage_id = paid.stage_id AND sold.version = paid.stage_version
LEFT JOIN neonpay_invoices offered ON offered.bot_id = paid.bot_id AND offered.invoice_id = paid.invoice_id
"""


def _payments(dialect: str) -> str:
    return f"""
CREATE {_IN_ITS_PLACE[dialect]} VIEW neonpay_v1_payments AS SELECT
  paid.bot_id, paid.charge_id, paid.user_id, {_WHO},
  paid.stage_id, paid.stage_version, {_TITLES[dialect]} AS stage_title,
  paid.amount_stars, paid.currency, paid.state, paid.attention,
  {_is(dialect, "paid.state = 'accepted'", "is_accepted")},
  {_is(dialect, "paid.state = 'refunded'", "is_refunded")},
  {_is(dialect, "paid.is_recurring = 1", "is_recurring")},
  {_is(dialect, "paid.is_first_recurring = 1", "is_first_recurring")},
  {_time_and_day(dialect, "paid.paid_at", "paid")},
  {_time(dialect, "paid.recorded_at", "recorded")},
  {_time(dialect, "paid.subscription_expires_at", "subscription_expires")},
  {_time(dialect, "back.finished_at", "refunded")},
  paid.invoice_id, paid.number, paid.source,
  coalesce(offered.title, {_TITLES[dialect]}) AS title,
  nullif(paid.language_code, '') AS paid_language_code
FROM neonpay_payments paid
{_SOLD}
LEFT JOIN neonpay_refunds back ON back.bot_id = paid.bot_id AND back.charge_id = paid.charge_id AND back.state = 'refunded'
{_PERSON.format("paid")}
"""

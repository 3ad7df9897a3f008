"""The tables. Every key starts with ``bot_id``; times are microseconds since the epoch, UTC; Stars are whole numbers.

There is no table of leases: a row of ``jobs``, ``invoices``, ``effects`` or ``duties`` (the periodic tasks) says itself who has
it and until when. ``holds`` are seats of stock that a buyer has until the payment.

Names carry the prefix ``neonpay_`` because the tables may live in the host bot's own database.
"""

from __future__ import annotations

import sqlalchemy as sa

import neonpay.ledger.tables_of_modules  # noqa: F401
from neonpay.core.job_states import JobState
from neonpay.ledger.table_kit import Moment, is_text, metadata, table
from neonpay.ledger.tables_events import IS_DECLINED as IS_DECLINED  # noqa: PLC0414
from neonpay.ledger.tables_events import events as events  # noqa: PLC0414
from neonpay.ledger.tables_events import numbered_until as numbered_until  # noqa: PLC0414
from neonpay.ledger.tables_events import sequences as sequences  # noqa: PLC0414
from neonpay.ledger.tables_people import notes as notes  # noqa: PLC0414  # some of them, in a file of their own
from neonpay.ledger.tables_people import people as people  # noqa: PLC0414
from neonpay.ledger.tables_people import request_words as request_words  # noqa: PLC0414

stages = table(
    "stages",
    sa.Column("stage_id", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "stage_id", "version"),
    sa.UniqueConstraint("bot_id", "stage_id", "digest"),
)

invoices = table(
    "invoices",
    sa.Column("invoice_id", sa.Text, nullable=False),
    sa.Column("stage_id", sa.Text, nullable=False),
    sa.Column("stage_version", sa.BigInteger, nullable=False),
    sa.Column("user_id", sa.BigInteger),
    sa.Column("price_stars", sa.BigInteger, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("metadata", sa.Text, nullable=False),
    sa.Column("idempotency_key", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("chat_id", sa.BigInteger),
    sa.Column("message_id", sa.BigInteger),
    sa.Column("link", sa.Text),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment),
    sa.Column("payments_count", sa.BigInteger, nullable=False),
    sa.Column("seats_taken", sa.BigInteger, nullable=False, server_default="0"),
    # A lease on sending its message: the holder's number, and until when.
    sa.Column("sending_by", sa.BigInteger),
    sa.Column("sending_until", Moment),
    sa.Column("terms", sa.Text),
    sa.Column("message_thread_id", sa.BigInteger),
    sa.Column("title", sa.Text),  # where it is not that of its stage
    sa.PrimaryKeyConstraint("bot_id", "invoice_id"),
    sa.UniqueConstraint("bot_id", "idempotency_key"),
)
MAY_EXPIRE = sa.and_(
    invoices.c.expires_at.is_not(None),
    sa.or_(*[invoices.c.state == sa.literal_column(f"'{state}'") for state in ("created", "queued", "sent")]),
)
"""Invoices that end at a known time and have not ended."""
sa.Index(
    "neonpay_invoices_expiring",
    invoices.c.bot_id,
    invoices.c.expires_at,
    sqlite_where=MAY_EXPIRE,
    postgresql_where=MAY_EXPIRE,
)
HAS_OWN_TITLE = invoices.c.title.is_not(None)
sa.Index(
    "neonpay_invoices_titled",
    invoices.c.bot_id,
    invoices.c.title,
    sqlite_where=HAS_OWN_TITLE,
    postgresql_where=HAS_OWN_TITLE,
)

holds = table(
    "holds",
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("hold_id", sa.Text, nullable=False),
    sa.Column("invoice_id", sa.Text, nullable=False),
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("quantity", sa.BigInteger, nullable=False),
    sa.Column("until", Moment, nullable=False),
    sa.Column("tries", sa.BigInteger, nullable=False),
    sa.Column("delivery", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "resource", "hold_id"),
)

payments = table(
    "payments",
    sa.Column("charge_id", sa.Text, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("amount_stars", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attention", sa.Text),
    sa.Column("invoice_id", sa.Text),
    sa.Column("stage_id", sa.Text),
    sa.Column("stage_version", sa.BigInteger),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("paid_at", Moment, nullable=False),
    sa.Column("recorded_at", Moment, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("provider_charge_id", sa.Text),
    sa.Column("is_recurring", sa.SmallInteger, nullable=False),
    sa.Column("is_first_recurring", sa.SmallInteger, nullable=False),
    sa.Column("subscription_expires_at", Moment),
    sa.Column("is_listed", sa.SmallInteger),
    sa.Column("full_charge_id", sa.Text),
    # The buyer's when they paid. None where nobody told: payments of before 0026, and those of Telegram's list. "" once the
    # buyer was erased.
    sa.Column("language_code", sa.Text),
    sa.PrimaryKeyConstraint("bot_id", "charge_id"),
    with_rowid=True,  # charge ids come in no order: wide rows are appended, and only the narrow index is not
)
sa.Index("neonpay_payments_by_user", payments.c.bot_id, payments.c.user_id, payments.c.paid_at)
IS_NOT_ACCEPTED = payments.c.state != sa.literal_column("'accepted'")
"""Payments that have gone back, are to, or wait for a person: few."""
sa.Index(
    "neonpay_payments_unaccepted",
    payments.c.bot_id,
    payments.c.state,
    payments.c.paid_at,
    payments.c.charge_id,
    sqlite_where=IS_NOT_ACCEPTED,
    postgresql_where=IS_NOT_ACCEPTED,
)
sa.Index(
    "neonpay_payments_ending",
    payments.c.bot_id,
    payments.c.subscription_expires_at,
    sqlite_where=payments.c.subscription_expires_at.is_not(None),
    postgresql_where=payments.c.subscription_expires_at.is_not(None),
)
sa.Index("neonpay_payments_by_time", payments.c.bot_id, payments.c.paid_at)

jobs = table(
    "jobs",
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("consumer", sa.Text, nullable=False),
    sa.Column("charge_id", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.BigInteger, nullable=False),
    # When a job is ready, when it is due; while it is leased, when the lease of ``token`` runs out.
    sa.Column("run_at", Moment, nullable=False),
    sa.Column("token", sa.BigInteger),
    sa.Column("error", sa.Text),
    sa.PrimaryKeyConstraint("bot_id", "event_id", "consumer"),
)


def in_states(*states: JobState) -> sa.ColumnElement[bool]:
    """Whether a job is in one of these states.

    Not as one list, which SQLite builds anew for every job that is written when it has more than two members.
    """
    return sa.or_(*[is_text(jobs.c.state, state) for state in states])


IS_UNFINISHED = in_states(JobState.READY, JobState.LEASED)
"""Jobs that somebody works on, or takes up when they are due."""
IS_PARKED = in_states(JobState.HELD, JobState.STRANDED, JobState.DEAD)
"""Jobs that nobody takes up: a refund under way holds them, their consumer is gone, or they have failed for the last time."""
sa.Index(
    "neonpay_jobs_due",
    jobs.c.bot_id,
    jobs.c.consumer,  # first, so that a look for one's own work reads nobody else's
    jobs.c.run_at,
    jobs.c.state,  # last, so that SQLite counts by the index alone
    sqlite_where=IS_UNFINISHED,
    postgresql_where=IS_UNFINISHED,
)
sa.Index(
    "neonpay_jobs_parked",
    jobs.c.bot_id,
    jobs.c.consumer,
    jobs.c.state,
    sqlite_where=IS_PARKED,
    postgresql_where=IS_PARKED,
)

registry = table(
    "registry",
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("bot_id"),
)

consumers = table(
    "consumers",
    sa.Column("consumer", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("stages", sa.Text),
    sa.Column("since", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("retired_at", Moment),
    sa.Column("renamed_to", sa.Text),
    sa.Column("complete_number", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("events", sa.Text),
    sa.PrimaryKeyConstraint("bot_id", "consumer"),
)

off_sale = table(
    "off_sale",
    sa.Column("stage_id", sa.Text, nullable=False),
    sa.Column("since", Moment, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "stage_id"),
)

steps = table(
    "steps",
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("consumer", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("result", sa.Text, nullable=False),
    sa.Column("finished_at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "event_id", "consumer", "name"),
)

journal = table(
    "journal",
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("amount_stars", sa.BigInteger, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("nanostars", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("seal", sa.BigInteger),
    sa.PrimaryKeyConstraint("bot_id", "event_id", "account"),
)

seals = table(
    "seals",
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("previous_hash", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("sealed_at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "number"),
)

refunds = table(
    "refunds",
    sa.Column("charge_id", sa.Text, nullable=False),
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("amount_stars", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("requested_at", Moment, nullable=False),
    sa.Column("finished_at", Moment),
    sa.Column("error", sa.Text),
    sa.Column("requested_by", sa.Text),
    sa.PrimaryKeyConstraint("bot_id", "charge_id"),
)

sa.Index("neonpay_refunds_by_time", refunds.c.bot_id, refunds.c.finished_at)
IS_REFUSED = refunds.c.state == sa.literal_column("'failed'")
"""Refunds that Telegram refuses for good: few, and all of them wait for a person."""
sa.Index(
    "neonpay_refunds_refused",
    refunds.c.bot_id,
    refunds.c.charge_id,
    sqlite_where=IS_REFUSED,
    postgresql_where=IS_REFUSED,
)

early_refunds = table(
    "early_refunds",
    sa.Column("charge_id", sa.Text, nullable=False),
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("amount_stars", sa.BigInteger, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "charge_id"),
)

refund_requests = table(
    "refund_requests",
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("charge_id", sa.Text, nullable=False),
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("words", sa.Text),
    sa.Column("answer", sa.Text),
    sa.Column("decided_by", sa.Text),
    sa.Column("requested_at", Moment, nullable=False),
    sa.Column("decided_at", Moment),
    sa.Column("language_code", sa.Text),
    sa.PrimaryKeyConstraint("bot_id", "request_id"),
    sa.UniqueConstraint("bot_id", "charge_id"),
)

# ``neonpay.once``: a lease while ``token`` is set; done when there is a result.
effects = table(
    "effects",
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("token", sa.BigInteger),
    sa.Column("until", Moment, nullable=False),
    sa.Column("result", sa.Text),
    sa.PrimaryKeyConstraint("bot_id", "key"),
)

subscriptions = table(
    "subscriptions",
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("invoice_id", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "user_id", "invoice_id"),
)

keys = table(
    "keys",
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("secret", sa.LargeBinary, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "key_id"),
)

# Periodic tasks; see ``store.periodic``.
duties = table(
    "duties",
    sa.Column("name", sa.Text, nullable=False),
    # As with jobs: a lease while ``token`` is set, otherwise when it is due.
    sa.Column("token", sa.BigInteger),
    sa.Column("run_at", Moment, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("memo", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "name"),
)

unexplained = table(
    "unexplained",
    sa.Column("charge_id", sa.Text, nullable=False),
    sa.Column("found_at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "charge_id"),
)

extension_tables = sa.Table(
    "neonpay_extension_tables",
    metadata,
    *[sa.Column(name, sa.Text, nullable=False) for name in ("table_name", "extension", "package")],
    sa.PrimaryKeyConstraint("table_name"),
    sqlite_with_rowid=False,
)
"""Tables of extensions that this database has, whichever bot uses them: whose they are, and what to install for them."""

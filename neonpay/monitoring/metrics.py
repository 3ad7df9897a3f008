"""The metrics by name: a contract with alert rules and boards, ours and other people's. No label names a person."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final


class Kind(enum.StrEnum):
    """How a metric moves.

    Attributes:
        COUNTER: it only grows; its name ends with ``_total``. It counts what is in the ledger, so that all processes of a shop
            give the same.
        GAUGE: how it is now.
    """

    COUNTER = "counter"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str


_BOT: Final = ("bot_id",)
_C, _G = Kind.COUNTER, Kind.GAUGE

METRICS: Final = (
    Metric("neonpay_build_info", _G, ("version",), "1; the version of neonpay is its label."),
    Metric("neonpay_ledger_up", _G, (), "1 when the ledger has answered in time, else 0."),
    Metric("neonpay_open", _G, _BOT, "1 while this process has the shop open."),
    Metric("neonpay_loop_up", _G, (*_BOT, "loop"), "1 while a loop of this process runs."),
    Metric("neonpay_loop_failures", _G, (*_BOT, "loop"), "Turns of a loop that have failed since the last that did not."),
    Metric("neonpay_circuit_open", _G, (*_BOT, "method"), "1 while Telegram is not asked for a method it has not answered."),
    Metric("neonpay_soft_events_waiting", _G, _BOT, "Soft events of this process that are not written yet."),
    Metric("neonpay_soft_events_written", _G, _BOT, "Soft events that this process has written since it began."),
    Metric("neonpay_soft_events_shed", _G, _BOT, "Soft events that this process has not kept since it began."),
    Metric("neonpay_seen_faults", _G, _BOT, "How often an extension has failed at an update since this process began."),
    Metric("neonpay_events_behind", _G, _BOT, "Events that the counters have yet to count; they are left out above 0."),
    Metric("neonpay_invoices_total", _C, _BOT, "Invoices that were written."),
    Metric("neonpay_checkouts_total", _C, (*_BOT, "answer", "reason"), "Answers to checkouts: approved, or declined and why."),
    Metric("neonpay_payments_total", _C, (*_BOT, "kind"), "Payments that were recorded: one_off, subscription or renewal."),
    Metric("neonpay_payment_stars_total", _C, (*_BOT, "kind"), "Stars that these payments have brought."),
    Metric("neonpay_refunds_total", _C, _BOT, "Payments whose Stars went back."),
    Metric("neonpay_refunded_stars_total", _C, _BOT, "Stars that went back."),
    Metric("neonpay_refund_failures_total", _C, _BOT, "Refunds that Telegram has refused for good."),
    Metric("neonpay_deliveries_total", _C, _BOT, "Payments whose handlers are all done."),
    Metric("neonpay_delivery_failures_total", _C, _BOT, "Attempts of handlers that have failed."),
    Metric("neonpay_dead_letters_total", _C, _BOT, "Handlers that have failed for the last time."),
    Metric("neonpay_payments_waiting", _G, _BOT, "Payments that wait for a person: undecided, given up or refused."),
    Metric("neonpay_payments_undecided", _G, _BOT, "Payments that wait for a person's decision."),
    Metric("neonpay_refunds_due", _G, _BOT, "Payments whose Stars are to go back and have not."),
    Metric("neonpay_refund_requests_open", _G, _BOT, "Requests of buyers that nobody has decided."),
    Metric("neonpay_jobs_dead", _G, _BOT, "Dead letters: jobs that wait for a person to retry them."),
    Metric("neonpay_jobs_stranded", _G, _BOT, "Jobs whose handler no program has."),
    Metric("neonpay_jobs_stuck", _G, _BOT, "Jobs that nobody has taken up ten minutes after they were due."),
    Metric("neonpay_job_lag_seconds", _G, _BOT, "How long the oldest job that is due has waited."),
    Metric("neonpay_reconciliation_age_seconds", _G, _BOT, "Since the last comparison with Telegram; not before the first."),
    Metric("neonpay_reconciliation_gap_stars", _G, _BOT, "Stars of payments that Telegram's list does not have, or not yet."),
    Metric("neonpay_payments_unexplained", _G, _BOT, "Payments that Telegram's list does not have although it was read since."),
    Metric("neonpay_balance_drift_stars", _G, _BOT, "How much the balance is above what Telegram's list adds up to."),
    Metric("neonpay_balance_stars", _G, _BOT, "The balance, as Telegram last told it."),
)  # fmt: skip
"""Every metric, in the order in which they are given."""
BY_NAME: Final = {metric.name: metric for metric in METRICS}

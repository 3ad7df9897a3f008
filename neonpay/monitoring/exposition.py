"""Metrics in the words of Prometheus; the only module here that needs prometheus-client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from neonpay._version import __version__
from neonpay.core.transactions import NANOSTARS
from neonpay.monitoring.metrics import METRICS, Kind

if TYPE_CHECKING:
    from neonpay.monitoring.monitor import Monitor, Snapshot
    from neonpay.monitoring.standing import Standing

Sample = tuple[str, tuple[str, ...], float]
"""The name of a metric, its labels, and its value."""


def exposition(monitor: Monitor, snapshot: Snapshot, accept: str) -> tuple[bytes, str]:
    """Every metric as text, and the kind of text that it is.

    Args:
        accept: what the reader understands, as its ``Accept`` header says.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(samples(monitor, snapshot)))
    encode, kind = choose_encoder(accept)
    return encode(registry), kind


class _Given(Collector):
    """Samples that are there already, as families."""

    def __init__(self, given: Iterable[Sample]) -> None:
        self._given = list(given)

    def collect(self) -> Iterator[Metric]:
        by_name: dict[str, list[tuple[tuple[str, ...], float]]] = {}
        for name, labels, value in self._given:
            by_name.setdefault(name, []).append((labels, value))
        for metric in METRICS:
            family = (CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily)(
                metric.name, metric.help, labels=metric.labels
            )
            for labels, value in by_name.get(metric.name, ()):
                family.add_metric(labels, value)
            yield family


def samples(monitor: Monitor, snapshot: Snapshot) -> Iterator[Sample]:
    """Every value of every metric: of the process as it is now, of the ledger as it was when it was read."""
    yield "neonpay_build_info", (__version__,), 1
    yield "neonpay_ledger_up", (), snapshot.standings is not None
    for shop in monitor.watched:
        bot = str(shop.adapter.bot_id)
        if monitor.watches_loops:
            yield "neonpay_open", (bot,), shop.pipeline.is_open
            for loop in shop.loops:
                yield "neonpay_loop_up", (bot, loop.name), loop.is_alive
                yield "neonpay_loop_failures", (bot, loop.name), loop.failures
            for name, number in shop.soft_events.items():
                yield f"neonpay_{name}", (bot,), number
        for method in shop.open_circuits:
            yield "neonpay_circuit_open", (bot, method), 1
    for bot_id, counts in snapshot.counts:
        bot = str(bot_id)
        yield "neonpay_events_behind", (bot,), counts.behind
        for (name, labels), number in counts.items() if not counts.behind else ():
            yield name, (bot, *labels), number
    for standing in snapshot.standings or ():
        yield from _of(standing)


def _of(standing: Standing) -> Iterator[Sample]:
    bot, waiting = (str(standing.bot_id),), standing.attention
    yield "neonpay_payments_waiting", bot, waiting.payments
    yield "neonpay_payments_undecided", bot, waiting.undecided
    yield "neonpay_refunds_due", bot, waiting.going_back
    yield "neonpay_refund_requests_open", bot, waiting.requests
    yield "neonpay_jobs_dead", bot, waiting.dead
    yield "neonpay_jobs_stranded", bot, waiting.stranded
    yield "neonpay_jobs_stuck", bot, waiting.stuck
    yield "neonpay_job_lag_seconds", bot, standing.lag_s
    yield "neonpay_payments_unexplained", bot, waiting.unexplained
    if standing.compared_s is not None:
        yield "neonpay_reconciliation_age_seconds", bot, standing.compared_s
        yield "neonpay_balance_drift_stars", bot, standing.drift_stars
    if standing.gap_stars is not None:
        yield "neonpay_reconciliation_gap_stars", bot, standing.gap_stars
    if standing.balance_nanostars is not None:
        yield "neonpay_balance_stars", bot, standing.balance_nanostars / NANOSTARS

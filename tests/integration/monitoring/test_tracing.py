"""neonpay.program.trace() makes spans around what happens to money; whoever does not call it has nothing of it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from neonpay import ConfigurationError, PaymentResult
from neonpay.core.checkout import CheckoutRefused
from neonpay.errors import PaymentNotFoundError

if TYPE_CHECKING:
    from opentelemetry.context import Context

    from tests.integration.conftest import Shop

_SURROUNDED = (("invoices", "send"), ("invoices", "link"), ("checkout", "handle"), ("refunds", "refund"))


def traced(shop: Shop) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    shop.neonpay.program.trace(provider)
    return exporter


def named(exporter: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.name == f"neonpay.{name}"]


def about(span: ReadableSpan) -> dict[str, Any]:
    return {name.removeprefix("neonpay."): value for name, value in (span.attributes or {}).items()}


async def test_each_step_of_a_payment_has_its_span(shop: Shop) -> None:
    exporter = traced(shop)

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling():
        ann = await shop.visitor("Ann")
        outcome = await shop.sells(ann)
        await shop.delivers(outcome)
        await shop.neonpay.refund(outcome.charge_id or "", reason="Ann asked for it")
    bot_id = shop.neonpay.program.adapter.bot_id
    (invoice,), (checkout,) = named(exporter, "invoice"), named(exporter, "checkout")
    (record,), (handler,), (refund,) = (named(exporter, name) for name in ("record", "handler", "refund"))
    assert (about(invoice)["stage_id"], about(invoice)["price_stars"]) == ("vip", 50)
    assert about(checkout) == {"bot_id": bot_id, "amount_stars": 50, "answer": "approved"}
    assert (about(record)["stage_id"], about(record)["state"], about(record)["source"]) == ("vip", "accepted", "update")
    assert (about(handler)["handler"], about(handler)["attempt"], about(handler)["stage_id"]) == ("deliver", 1, "vip")
    assert (about(refund)["amount_stars"], about(refund)["state"]) == (50, "refunded")
    assert {about(span)["bot_id"] for span in exporter.get_finished_spans()} == {bot_id}


async def test_no_span_has_a_name_a_payload_or_words_of_an_error(shop: Shop) -> None:
    exporter = traced(shop)

    @shop.neonpay.on_payment(name="deliver", max_attempts=1)
    async def deliver(result: PaymentResult) -> None:
        msg = "no account for Ann Smith"
        raise LookupError(msg)

    @shop.neonpay.on_pre_checkout
    async def refuse(context: Any) -> None:
        if context.user_id == bob.id:
            raise CheckoutRefused("Not you", reason="Bob, who never pays")

    async with shop.polling():
        ann, bob = await shop.visitor("Ann"), await shop.visitor("Bob")
        outcome = await shop.sells(ann, payload={"secret": "s3same"})
        await shop.fact("fulfilment_abandoned")
        await shop.sells(bob)
        (payment,) = await shop.neonpay.payments.history(ann.id)
    told = "".join(span.to_json() for span in exporter.get_finished_spans())
    for word in ("Ann", "Bob", "s3same", payment.payload, outcome.charge_id or "", str(ann.id), shop.account.token):
        assert word not in told, word
    (handler,) = named(exporter, "handler")
    assert (handler.status.status_code, about(handler)["error.type"]) == (StatusCode.ERROR, "LookupError")
    assert handler.events == ()
    assert [about(span)["answer"] for span in named(exporter, "checkout")] == ["approved", "declined"]


async def test_spans_go_on_in_a_pipeline_that_is_made_anew(shop: Shop) -> None:
    exporter = traced(shop)
    shop.neonpay.on_payment(name="deliver")(lambda: None)
    async with shop.polling():
        await shop.sells(await shop.visitor())
    await shop.neonpay.close()
    exporter.clear()
    async with shop.polling():
        await shop.sells(await shop.visitor("Bob"))
    assert [len(named(exporter, name)) for name in ("invoice", "checkout", "record")] == [1, 1, 1]


async def test_the_steps_of_a_program_that_does_not_trace_are_what_they_are(shop: Shop) -> None:
    pipeline = shop.neonpay.program.pipeline
    for part, name in _SURROUNDED:
        assert name not in vars(getattr(pipeline, part)), "the method of its class, and nothing around it"
    assert pipeline.fulfilment.middlewares == []
    traced(shop)
    assert all(name in vars(getattr(pipeline, part)) for part, name in _SURROUNDED)


def test_nothing_of_opentelemetry_is_imported_by_who_does_not_trace() -> None:
    program = (
        "import sys; from neonpay import create_neonpay; "
        "create_neonpay('42:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', database_url='memory:?keep=nothing', start_after_s=None); "
        "print([name for name in sys.modules if name.partition('.')[0] in ('opentelemetry', 'prometheus_client')])"
    )
    found = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert found.stdout == "[]\n"


async def test_tracing_twice_is_refused(shop: Shop) -> None:
    traced(shop)
    with pytest.raises(ConfigurationError, match="called before"):
        shop.neonpay.program.trace()


class _Broken(SpanProcessor):
    """A processor of somebody's that raises at one of its moments."""

    def __init__(self, at: str) -> None:
        self._at = at

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self._raise("start")

    def on_end(self, span: ReadableSpan) -> None:
        self._raise("end")

    def _raise(self, now: str) -> None:
        if now == self._at:
            msg = "no collector"
            raise RuntimeError(msg)


@pytest.mark.parametrize("at", ["start", "end"])
async def test_what_a_processor_of_spans_raises_changes_no_payment(
    shop: Shop, at: str, caplog: pytest.LogCaptureFixture
) -> None:
    provider = TracerProvider()
    provider.add_span_processor(_Broken(at))
    shop.neonpay.program.trace(provider)

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor("Ann"))
        await shop.delivers(outcome)
        refund = await shop.neonpay.refund(outcome.charge_id or "")
        with pytest.raises(PaymentNotFoundError):
            await shop.neonpay.refund("nothing")
        (job, *_) = await shop.neonpay.jobs.of(outcome.charge_id or "")
    assert (job.state, job.attempts, refund.state) == ("done", 1, "refunded")
    told = [record.getMessage() for record in caplog.records if record.name == "neonpay.monitoring"]
    assert set(told) == {"OpenTelemetry failed at a span, and the step went on: RuntimeError: no collector"}

"""What lines carry: what is documented, what JSON can carry, and nothing that is somebody's own."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from neonpay import PaymentResult, PaymentStage, RejectPayment
from neonpay.core import log_lines
from neonpay.core.log_lines import LogLine
from neonpay.errors import TelegramError
from tests.integration.heard.conftest import extra_of, line_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.conftest import MovableClock, Shop
    from tests.integration.heard.conftest import Heard

LINES = [line for line in vars(log_lines).values() if isinstance(line, LogLine)]
THEIRS = (
    *("Zinaida", "a note of the seller", "a note of the invoice", "Thank you, dear", "a secret of the program"),
    *("A month of VIP", "I was not amused", "the printer is out of paper", "sold out, Zinaida"),
)


async def live_through(shop: Shop, clock: MovableClock) -> None:
    """Every step that a payment can take, with words in it that are somebody's own."""
    rules = {"payload": {"note": "a note of the seller"}, "description": "A month of VIP"}
    for stage_id in ("good", "failing", "rejected"):
        shop.neonpay.create_payment_stage(stage_id, PaymentStage(title="Zinaida's", price=50, **rules))

    @shop.neonpay.on_payment(stage="good", name="deliver")
    async def deliver(result: PaymentResult) -> None: ...

    @shop.neonpay.on_payment(stage="failing", name="fail", max_attempts=2)
    async def fail(result: PaymentResult) -> None:
        raise RuntimeError("nothing of it is said here")

    @shop.neonpay.on_payment(stage="rejected", name="reject")
    async def reject(result: PaymentResult) -> None:
        raise RejectPayment("sold out, Zinaida")

    @shop.neonpay.on_pre_checkout
    async def refuse(query: Any) -> str | None:
        return "I was not amused" if query.user_id == bob.id else None

    bob = shop.telegram.user("Zinaida", stars=100)
    async with shop.polling():
        ann = await shop.visitor("Zinaida")
        sold = await shop.sells(ann, "good", payload={"note": "a note of the invoice"})
        await shop.neonpay.refund(sold.charge_id or "", reason="Zinaida", requested_by="Zinaida")
        again = await shop.sells(ann, "good")
        shop.telegram.faults.fail("refundStarPayment", error_code=429, retry_after=1)
        await shop.neonpay.refund(again.charge_id or "", reason="Zinaida")
        await shop.sells(ann, "failing")
        await shop.fact("fulfilment_failed")
        clock.advance(3600)
        await shop.fact("fulfilment_abandoned")
        await shop.sells(ann, "rejected")
        await bob.pays((await shop.neonpay.create_payment_link("good")).link or "")
        shop.telegram.faults.fail("sendInvoice", error_code=400)
        with pytest.raises(TelegramError):
            await shop.neonpay.send_payment(ann.id, "good")
        await shop.neonpay.books.reconcile(grace_s=0)


async def test_every_line_has_the_fields_that_are_documented_and_json_can_carry_them(
    open_shop: Callable[..., Shop], clock: MovableClock, heard: Heard
) -> None:
    shop = open_shop(thank_you_message="Thank you, dear", secret="a secret of the program")
    await live_through(shop, clock)

    records = heard()
    assert len({extra_of(record)["event_name"] for record in records}) >= 16
    for record in records:
        extra, line = extra_of(record), line_of(record, LINES)
        assert set(extra) == {"event_name", "bot_id", *line.fields}, line
        assert extra["bot_id"] == shop.bot.id
        assert json.loads(json.dumps(extra, allow_nan=False)) == extra
        assert "None" not in record.getMessage()


async def test_no_name_no_word_of_a_person_no_payload_and_no_secret_is_in_a_line(
    open_shop: Callable[..., Shop], clock: MovableClock, heard: Heard
) -> None:
    shop = open_shop(thank_you_message="Thank you, dear", secret="a secret of the program")
    await live_through(shop, clock)

    shown = [record.getMessage() + json.dumps(extra_of(record), ensure_ascii=False) for record in heard()]
    assert len(shown) > 30
    payloads = [event.invoice_id for event in shop.facts if event.name == "invoice_created"]
    assert payloads
    for words in (*THEIRS, shop.account.token, shop.account.token.partition(":")[2], "np1."):
        assert [text for text in shown if words in text] == [], words
    users = {str(event.user_id) for event in shop.facts if event.user_id is not None}
    assert not [text for text in shown if any(user in text for user in users)]


@pytest.fixture
def made() -> Iterator[list[str]]:
    """The messages of the records of ours that are made, whether somebody handles them or not."""
    made: list[str] = []
    before = logging.getLogRecordFactory()

    def make(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = before(*args, **kwargs)
        if record.name.startswith("neonpay"):
            made.append(record.getMessage())
        return record

    logging.setLogRecordFactory(make)
    yield made
    logging.setLogRecordFactory(before)


async def test_of_a_sale_no_line_is_put_together_where_only_warnings_are_asked_for(
    shop: Shop, caplog: pytest.LogCaptureFixture, made: list[str]
) -> None:
    caplog.set_level(logging.WARNING, logger="neonpay")

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling():
        assert (await shop.sells(await shop.visitor())).status == "paid"
    assert made == []

"""What a host's logging does wrong is told on stderr and stops no sale."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from neonpay import PaymentResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.conftest import Shop


class Broken(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        raise RuntimeError("the filter is broken")


@pytest.fixture(params=["a filter", "a record factory", "a factory that fails", "a handler"])
def broken(request: pytest.FixtureRequest) -> Iterator[None]:
    logger, before = logging.getLogger("neonpay.payments"), logging.getLogRecordFactory()
    level, logger_filter, handler = logger.level, Broken(), logging.Handler()

    def with_our_names(*args: object, **kwargs: object) -> logging.LogRecord:
        record = before(*args, **kwargs)
        record.bot_id = record.reason = record.handler = "the host's"  # type: ignore[attr-defined]  # as hosts do
        return record

    def failing(*args: object, **kwargs: object) -> logging.LogRecord:
        raise RuntimeError("the factory is broken")

    logger.setLevel(logging.INFO)
    if request.param == "a filter":
        logger.addFilter(logger_filter)
    elif request.param == "a handler":
        handler.addFilter(logger_filter)
        logger.addHandler(handler)
    else:
        logging.setLogRecordFactory(with_our_names if request.param == "a record factory" else failing)
    yield
    logging.setLogRecordFactory(before)
    logger.removeFilter(logger_filter)
    logger.removeHandler(handler)
    logger.setLevel(level)


@pytest.mark.usefixtures("broken")
async def test_a_sale_is_made_and_a_handler_that_raises_runs_again(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()
    tried: list[str | None] = []

    @shop.neonpay.on_payment(name="deliver", max_attempts=1)
    async def deliver(result: PaymentResult) -> None:
        tried.append(result.transaction_id)
        raise RuntimeError("no")

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        abandoned = await shop.fact("fulfilment_abandoned")
        (letter,) = await shop.neonpay.jobs.dead_letters()
    assert outcome.status == "paid"
    assert tried == [outcome.charge_id]
    assert (abandoned.charge_id, letter.charge_id) == (outcome.charge_id, outcome.charge_id)

"""Findings name what an owner should look at, and nothing that is as it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from neonpay.analytics import ADVICE, Advice, Period, reports_of
from neonpay.analytics.figures import Finding
from neonpay.core.clock import moment
from neonpay.ledger import open_ledger
from tests.property.report_history import Checkout, History, Invoice, Payment, write
from tests.property.report_times import BEGIN, DAY_US

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from neonpay.ledger import Ledger

PERIOD = Period(since=moment(BEGIN), until=moment(BEGIN + 30 * DAY_US))


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    opened = open_ledger(database_url)
    yield opened
    await opened.close()


def payment(user: int, *, refunded: int | None = None, invoice: int | None = None, number: int = 0) -> Payment:
    return Payment(
        bot=7,
        user=user,
        stage="book",
        stars=30,
        currency="XTR",
        state="accepted" if refunded is None else "refunded",
        kind="one_off",
        at=BEGIN + DAY_US,
        recorded=BEGIN + DAY_US,
        refunded=refunded,
        delivered=None,
        invoice=invoice,
        number=number,
        is_listed=True,
    )


def asked(stage: str, count: int, reason: str | None) -> tuple[Checkout, ...]:
    return (Checkout(7, stage, BEGIN + DAY_US, reason),) * count


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        pytest.param(History(), [], id="nothing happened"),
        pytest.param(
            History(checkouts=asked("book", 3, "not_on_sale")),
            [Finding(id="unsellable", bot_id=7, count=3, subject="book")],
            id="a stage nobody can buy",
        ),
        pytest.param(
            History(checkouts=(*asked("book", 10, "expired"), *asked("book", 39, None))),
            [Finding(id="many_declines", bot_id=7, count=10, subject="book")],
            id="more than a fifth declined",
        ),
        pytest.param(
            History(checkouts=(*asked("book", 10, "expired"), *asked("book", 40, None))), [], id="a fifth declined"
        ),
        pytest.param(
            History(
                invoices=(Invoice(7, "book", BEGIN, 30),),
                payments=tuple(payment(user, invoice=0, number=user) for user in range(1, 21)),
            ),
            [Finding(id="shared_link", bot_id=7, count=20, subject="0", stars=600)],
            id="one link paid by twenty people",
        ),
        pytest.param(
            History(payments=(payment(4, refunded=BEGIN + 2 * DAY_US),) * 3),
            [Finding(id="refund_abuser", bot_id=7, count=3, subject="4", stars=90)],
            id="three refunds of one person",
        ),
        pytest.param(
            History(payments=(payment(4, refunded=BEGIN + 40 * DAY_US),) * 3), [], id="refunds after the period"
        ),
        pytest.param(
            History(
                payments=tuple(
                    payment(user, refunded=BEGIN + 2 * DAY_US if user <= 5 else None) for user in range(1, 50)
                )
            ),
            [Finding(id="many_refunds", bot_id=7, count=5, subject="book", stars=150)],
            id="more than a tenth went back",
        ),
        pytest.param(
            History(
                payments=tuple(
                    payment(user, refunded=BEGIN + 2 * DAY_US if user <= 5 else None) for user in range(1, 51)
                )
            ),
            [],
            id="a tenth went back",
        ),
    ],
)
async def test_a_period_has_the_findings_that_it_should(
    ledger: Ledger, history: History, expected: list[Finding]
) -> None:
    await ledger.run(write, history)
    assert list(await reports_of(ledger, bots=[7]).findings(PERIOD)) == expected


@pytest.mark.parametrize("advice", ADVICE.values(), ids=ADVICE.keys())
def test_advice_says_what_was_found_and_what_to_do_in_both_languages(advice: Advice) -> None:
    for language in ("en", "ru"):
        said = advice.said(language).format(count=3, subject="book", stars=90)
        assert said.endswith(".")
        assert "{" not in said

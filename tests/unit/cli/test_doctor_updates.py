"""What ``neonpay doctor`` makes of a WebhookInfo, at the bounds."""

from __future__ import annotations

import pytest

from neonpay.cli.checks.updates import Expected, updates_checks
from neonpay.core.jsontext import JsonValue

NOW_S = 1_790_000_000
DAY_S = 86_400


def checks(**info: JsonValue) -> dict[str, str]:
    found = updates_checks(info, expected=Expected(), now_us=NOW_S * 1_000_000)
    return {check.name: check.state for check in found}


@pytest.mark.parametrize(
    ("ago_s", "pending", "state"),
    [(60, 3, "problem"), (60, 0, "warning"), (DAY_S, 0, "warning"), (DAY_S + 1, 0, "ok"), (DAY_S + 1, 3, "ok")],
)
def test_a_failed_delivery_matters_as_long_as_telegram_keeps_updates(ago_s: int, pending: int, state: str) -> None:
    found = checks(
        url="https://shop.example/hook",
        last_error_date=NOW_S - ago_s,
        last_error_message="Wrong response from the webhook: 502 Bad Gateway",
        pending_update_count=pending,
    )
    assert found["updates.errors"] == state


@pytest.mark.parametrize(("pending", "state"), [(0, "ok"), (99, "ok"), (100, "warning")])
def test_more_updates_than_one_answer_holds_are_too_many_to_wait(pending: int, state: str) -> None:
    assert checks(url="", pending_update_count=pending)["updates.pending"] == state


def test_the_address_of_a_webhook_is_not_shown_but_for_its_host() -> None:
    info: dict[str, JsonValue] = {
        "url": "https://user:word@shop.example:8443/bot123:secret?key=1",
        "pending_update_count": 0,
    }
    found = updates_checks(info, expected=Expected(), now_us=NOW_S * 1_000_000)
    assert [check.finding for check in found if check.name == "updates.webhook"] == [
        "updates go to a webhook at shop.example"
    ]


def test_an_answer_without_fields_is_a_bot_without_a_webhook() -> None:
    assert checks() == {
        "updates.allowed": "ok",
        "updates.webhook": "ok",
        "updates.errors": "skipped",
        "updates.pending": "ok",
    }

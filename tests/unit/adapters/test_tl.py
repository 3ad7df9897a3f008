"""TL updates become what the Bot API would have sent, or nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from telethon.tl import types

from neonpay.adapters._common.tl import update_of

AT = datetime(2026, 11, 21, tzinfo=UTC)
CHARGE = types.PaymentCharge(id="stx1", provider_charge_id="7_1")
PAID = {"currency": "XTR", "total_amount": 50, "payload": b"np1", "charge": CHARGE}
ANN = types.PeerUser(7)


def service(action: Any, *, peer: Any = ANN, from_id: Any = None) -> Any:
    message = types.MessageService(id=3, peer_id=peer, from_id=from_id, date=AT, action=action)
    return types.UpdateNewMessage(message, pts=1, pts_count=1)


def text(words: str, **fields: Any) -> Any:
    message = types.Message(id=3, peer_id=ANN, date=AT, message=words, **fields)
    return types.UpdateNewMessage(message, pts=1, pts_count=1)


def test_a_subscription_payment_keeps_what_it_says_about_itself() -> None:
    action = types.MessageActionPaymentSentMe(
        **PAID, recurring_init=True, recurring_used=True, subscription_until_date=datetime(2026, 12, 21, tzinfo=UTC)
    )
    update = update_of(service(action), {})
    assert update == {
        "message": {
            "message_id": 3,
            "chat": {"id": 7, "type": "private"},
            "date": int(AT.timestamp()),
            "from": {"id": 7},
            "successful_payment": {
                "currency": "XTR",
                "total_amount": 50,
                "invoice_payload": "np1",
                "telegram_payment_charge_id": "stx1",
                "provider_payment_charge_id": "7_1",
                "subscription_expiration_date": int(datetime(2026, 12, 21, tzinfo=UTC).timestamp()),
                "is_recurring": True,
                "is_first_recurring": True,
            },
        }
    }


@pytest.mark.parametrize(
    ("peer", "chat"),
    [
        (types.PeerChat(5), {"id": -5, "type": "group"}),
        (types.PeerChannel(5), {"id": -1_000_000_000_005, "type": "supergroup"}),
    ],
)
def test_who_paid_in_a_group_is_the_sender(peer: Any, chat: dict[str, object]) -> None:
    update = update_of(service(types.MessageActionPaymentSentMe(**PAID), peer=peer, from_id=ANN), {})
    assert update is not None
    assert (update["message"]["from"], update["message"]["chat"]) == ({"id": 7}, chat)


def test_a_refund_is_of_whose_chat_it_is_in() -> None:
    bot = types.PeerUser(42)
    action = types.MessageActionPaymentRefunded(peer=bot, **PAID)
    update = update_of(service(action, from_id=bot), {})
    assert update is not None
    assert update["message"]["chat"]["id"] == 7
    assert update["message"]["refunded_payment"]["telegram_payment_charge_id"] == "stx1"


def test_a_language_is_taken_from_the_users_that_come_along() -> None:
    query = types.UpdateBotPrecheckoutQuery(query_id=1, user_id=7, payload=b"np1", currency="XTR", total_amount=5)
    with_ann, alone = update_of(query, {7: types.User(7, lang_code="ru")}), update_of(query, {})
    assert with_ann is not None
    assert alone is not None
    assert with_ann["pre_checkout_query"]["from"] == {"id": 7, "language_code": "ru"}
    assert alone["pre_checkout_query"]["from"] == {"id": 7}


@pytest.mark.parametrize(
    "update",
    [
        types.UpdateBotPrecheckoutQuery(query_id=1, user_id=7, payload=b"\xff", currency="USD", total_amount=5),
        types.UpdateBotCallbackQuery(query_id=1, user_id=7, peer=ANN, msg_id=3, chat_instance=1, data=b"\xff"),
        types.UpdateBotCallbackQuery(query_id=1, user_id=7, peer=ANN, msg_id=3, chat_instance=1, game_short_name="g"),
        service(types.MessageActionPaymentSentMe(**{**PAID, "payload": b"\xff"})),
        service(types.MessageActionPaymentRefunded(peer=ANN, currency="XTR", total_amount=5, charge=CHARGE)),
        service(types.MessageActionPinMessage()),
        text("what the bot itself says", out=True),
        text(""),
        types.UpdateNewMessage(types.MessageEmpty(3, None), pts=1, pts_count=1),
        types.UpdateConfig(),
    ],
)
def test_what_cannot_be_ours_is_nothing(update: Any) -> None:
    assert update_of(update, {}) is None


def test_a_text_is_told_with_who_wrote_it() -> None:
    update = update_of(text("/terms"), {7: types.User(7, lang_code="de")})
    assert update is not None
    assert (update["message"]["text"], update["message"]["from"]) == ("/terms", {"id": 7, "language_code": "de"})

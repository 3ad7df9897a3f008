"""What happened, by the names of events."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_EN: Final[Mapping[str, str | tuple[str, ...]]] = {
    "invoice_created": "Invoice made",
    "invoice_failed": "Invoice not sent",
    "invoice_expired": "Invoice expired",
    "invoice_abandoned": "Invoice left unpaid",
    "offer_refused": "Offer refused",
    "checkout_approved": "Checkout approved",
    "checkout_declined": "Checkout declined",
    "payment_completed": "Paid and recorded",
    "payment_needs_attention": "A person has to decide",
    "payment_rejected": "Rejected by a handler",
    "payment_delivered": "Goods delivered",
    "payment_refunded": "Stars returned",
    "payment_unexplained": "Payment that nobody can explain",
    "refund_requested": "Refund started",
    "refund_failed": "Telegram refused the refund",
    "refund_review_requested": "The buyer asks for a refund",
    "refund_request_approved": "Request for a refund granted",
    "refund_request_refused": "Request for a refund refused",
    "stars_moved": "Stars moved",
    "withdrawal_succeeded": "Stars withdrawn",
    "withdrawal_failed": "Withdrawal failed",
    "balance_drifted": "Balance changed without a reason",
    "subscription_canceled": "Subscription canceled",
    "subscription_restored": "Subscription restored",
    "subscription_failed": "Renewal failed",
    "subscription_ended": "Subscription ended",
    "user_blocked": "Person blocked",
    "user_trusted": "Person trusted",
    "user_unblocked": "Person unblocked",
    "user_reported": "Person reported",
    "message_queued": "Message on its way",
    "fulfilment_failed": "Delivery failed",
    "fulfilment_abandoned": "Delivery given up",
}
_RU: Final[Mapping[str, str | tuple[str, ...]]] = {
    "invoice_created": "Счёт создан",
    "invoice_failed": "Счёт не отправлен",
    "invoice_expired": "Срок счёта истёк",
    "invoice_abandoned": "Счёт не оплачен",
    "offer_refused": "Предложение отклонено",
    "checkout_approved": "Проверка пройдена",
    "checkout_declined": "Отклонено при проверке",
    "payment_completed": "Оплачено и записано",
    "payment_needs_attention": "Нужно решение человека",
    "payment_rejected": "Обработчик отказался от платежа",
    "payment_delivered": "Товар выдан",
    "payment_refunded": "Звёзды возвращены",
    "payment_unexplained": "Необъяснённый платёж",
    "refund_requested": "Возврат начат",
    "refund_failed": "Telegram отказал в возврате",
    "refund_review_requested": "Покупатель просит вернуть звёзды",
    "refund_request_approved": "Просьба о возврате принята",
    "refund_request_refused": "В просьбе о возврате отказано",
    "stars_moved": "Движение звёзд",
    "withdrawal_succeeded": "Звёзды выведены",
    "withdrawal_failed": "Вывод не удался",
    "balance_drifted": "Баланс изменился без причины",
    "subscription_canceled": "Подписка отменена",
    "subscription_restored": "Подписка возобновлена",
    "subscription_failed": "Продление не удалось",
    "subscription_ended": "Подписка закончилась",
    "user_blocked": "Человек заблокирован",
    "user_trusted": "Человеку доверяют",
    "user_unblocked": "Человек разблокирован",
    "user_reported": "Жалоба на человека",
    "message_queued": "Сообщение отправляется",
    "fulfilment_failed": "Выдача не удалась",
    "fulfilment_abandoned": "Выдача прекращена",
}
WORDS: Final[Mapping[str, Mapping[str, str | tuple[str, ...]]]] = MappingProxyType(
    {"en": MappingProxyType(_EN), "ru": MappingProxyType(_RU)}
)


def event_title(language: str, name: str) -> str:
    """What an event is called; one of an extension goes by its own name."""
    found = WORDS[language].get(name)
    return found if isinstance(found, str) else name

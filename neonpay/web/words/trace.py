"""What the trace of a payment says to whoever cannot see it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_EN: Final[Mapping[str, str | tuple[str, ...]]] = {
    "invoiced": "Invoice sent, not opened yet",
    "checking": "Waiting for the bot to answer the checkout",
    "declined": "Declined at checkout, no Stars moved",
    "paid": "Paid, delivery not finished",
    "delivered": "Paid and delivered",
    "stuck": "Paid, delivery failed",
    "refunded": "Paid, then refunded",
}
_RU: Final[Mapping[str, str | tuple[str, ...]]] = {
    "invoiced": "Счёт отправлен, ещё не открыт",
    "checking": "Ждём ответа бота на проверку",
    "declined": "Отклонено при проверке, звёзды не списаны",
    "paid": "Оплачено, выдача не закончена",
    "delivered": "Оплачено и выдано",
    "stuck": "Оплачено, выдача не удалась",
    "refunded": "Оплачено и возвращено",
}
WORDS: Final[Mapping[str, Mapping[str, str | tuple[str, ...]]]] = MappingProxyType(
    {"en": MappingProxyType(_EN), "ru": MappingProxyType(_RU)}
)

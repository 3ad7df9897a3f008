"""Why checkouts were declined, as an owner says it; the words for reasons of extensions are their own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_EN: Final[Mapping[str, str | tuple[str, ...]]] = {
    "count": "{n} {reason}",
    "forged_payload": "forged invoice",
    "unknown_invoice": "unknown invoice",
    "not_on_sale": "not on sale",
    "wrong_amount": "price changed",
    "wrong_payer": "another person's invoice",
    "expired": "invoice expired",
    "already_paid": "already paid",
    "being_paid": "being paid by another",
    "refused": "refused by the bot",
    "blocked": "blocked buyer",
    "too_often": "too many tries",
    "too_much": "over the buyer's limit",
    "too_many_refunds": "too many refunds",
    "too_risky": "too risky",
    "link_used_up": "sold out",
    "too_slow": "no answer in time",
    "error": "error in the bot",
    "other": "other",
}
_RU: Final[Mapping[str, str | tuple[str, ...]]] = {
    "count": "{n} {reason}",
    "forged_payload": "поддельный счёт",
    "unknown_invoice": "неизвестный счёт",
    "not_on_sale": "снято с продажи",
    "wrong_amount": "цена изменилась",
    "wrong_payer": "чужой счёт",
    "expired": "счёт просрочен",
    "already_paid": "уже оплачено",
    "being_paid": "оплачивает другой",
    "refused": "отказал бот",
    "blocked": "покупатель заблокирован",
    "too_often": "слишком много попыток",
    "too_much": "превышен лимит покупателя",
    "too_many_refunds": "слишком много возвратов",
    "too_risky": "слишком рискованно",
    "link_used_up": "раскуплено",
    "too_slow": "нет ответа вовремя",
    "error": "ошибка в боте",
    "other": "другое",
}
WORDS: Final[Mapping[str, Mapping[str, str | tuple[str, ...]]]] = MappingProxyType(
    {"en": MappingProxyType(_EN), "ru": MappingProxyType(_RU)}
)

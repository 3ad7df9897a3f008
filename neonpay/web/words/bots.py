"""What the page of bots says."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_EN: Final[Mapping[str, str | tuple[str, ...]]] = {
    "nav": "Bots",
    "checks": "Checks",
    "asked": "What Telegram says is asked for once a minute, with getMe and getWebhookInfo.",
    "no_token": "This program has no token of the bot, so Telegram is not asked.",
    "answers": "Telegram knows the bot",
    "no_answer": "Telegram does not answer, or does not know the bot",
    "receives": "Receives checkouts",
    "no_checkouts": "Does not receive pre_checkout_query: nobody can pay",
    "by_polling": "getUpdates",
    "by_webhook": "webhook",
    "pending": "Updates waiting at Telegram",
    "webhook_error": "Telegram could not deliver an update",
    "balance": "Balance at Telegram, as last compared",
    "unknown": "not known",
    "compared": "Compared with Telegram",
    "compared_ago": "{length} ago",
    "never": "not yet; type: neonpay reconcile",
    "gap": "Telegram’s list does not have payments that the ledger has",
    "no_gap": "Every payment is in Telegram’s list",
    "needs": "Payments that need you",
    "due": "Work that is due",
    "none_due": "none waits",
    "due_for": "waits {length}",
    "unread": "The ledger does not answer, so nothing can be said about the books.",
}
_RU: Final[Mapping[str, str | tuple[str, ...]]] = {
    "nav": "Боты",
    "checks": "Проверки",
    "asked": "Telegram спрашиваем раз в минуту: getMe и getWebhookInfo.",
    "no_token": "У этой программы нет токена бота, поэтому Telegram она не спрашивает.",
    "answers": "Telegram знает бота",
    "no_answer": "Telegram не отвечает или не знает бота",
    "receives": "Получает проверки перед оплатой",
    "no_checkouts": "Не получает pre_checkout_query: заплатить никто не сможет",
    "by_polling": "getUpdates",
    "by_webhook": "вебхук",
    "pending": "Обновлений в очереди Telegram",
    "webhook_error": "Telegram не смог доставить обновление",
    "balance": "Баланс в Telegram при последней сверке",
    "unknown": "неизвестен",
    "compared": "Сверено с Telegram",
    "compared_ago": "{length} назад",
    "never": "ещё нет; команда: neonpay reconcile",
    "gap": "В списке Telegram нет платежей, которые есть в журнале",
    "no_gap": "Все платежи есть в списке Telegram",
    "needs": "Платежи, которые ждут вас",
    "due": "Работа, срок которой настал",
    "none_due": "ничего не ждёт",
    "due_for": "ждёт {length}",
    "unread": "Журнал не отвечает, поэтому о проводках сказать нечего.",
}
WORDS: Final[Mapping[str, Mapping[str, str | tuple[str, ...]]]] = MappingProxyType(
    {"en": MappingProxyType(_EN), "ru": MappingProxyType(_RU)}
)

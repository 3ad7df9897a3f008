"""What the page of products says."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_EN: Final[Mapping[str, str | tuple[str, ...]]] = {
    "nav": "Products",
    "best": ("“{title}” earned most: {n} Star in {period}.", "“{title}” earned most: {n} Stars in {period}."),
    "nothing": "Nothing was sold in {period}.",
    "lead": ("{n} product was offered or sold.", "{n} products were offered or sold."),
    "none": "No product has been offered yet.",
    "product": "Product",
    "net": "Net",
    "orders": "Orders",
    "refund_rate": "Refund rate",
    "bought": "Invoice to paid",
    "declined": "Declined",
    "delivered": "Delivered",
    "orders_only_sm": ("{n} order", "{n} orders"),
    "per_invoice": "{n} per invoice",
    "unknown": "Unknown product",
    "no_invoices": "no invoices",
}
_RU: Final[Mapping[str, str | tuple[str, ...]]] = {
    "nav": "Товары",
    "best": (
        "Больше всего принёс товар «{title}»: {n} звезда за {period}.",
        "Больше всего принёс товар «{title}»: {n} звезды за {period}.",
        "Больше всего принёс товар «{title}»: {n} звёзд за {period}.",
    ),
    "nothing": "За {period} ничего не продано.",
    "lead": (
        "Предлагался или продавался {n} товар.",
        "Предлагались или продавались {n} товара.",
        "Предлагались или продавались {n} товаров.",
    ),
    "none": "Ещё ни один товар не предлагался.",
    "product": "Товар",
    "net": "Итого",
    "orders": "Заказы",
    "refund_rate": "Доля возвратов",
    "bought": "Счёт → оплата",
    "declined": "Отклонено",
    "delivered": "Выдано",
    "orders_only_sm": ("{n} заказ", "{n} заказа", "{n} заказов"),
    "per_invoice": "{n} на счёт",
    "unknown": "Неизвестный товар",
    "no_invoices": "счетов не было",
}
WORDS: Final[Mapping[str, Mapping[str, str | tuple[str, ...]]]] = MappingProxyType(
    {"en": MappingProxyType(_EN), "ru": MappingProxyType(_RU)}
)

"""What the page of the funnel says."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_EN: Final[Mapping[str, str | tuple[str, ...]]] = {
    "nav": "Funnel",
    "of_invoices": "{share} of invoices were paid in {period}.",
    "often": "{paid} payments of {invoices} invoices in {period}.",
    "lost_none": "No checkout was declined.",
    "lost_most": "Most checkouts that were declined: {reason}, {n}.",
    "nothing": "Nobody was sent an invoice in {period}.",
    "declines": "Why checkouts were declined",
    "reason": "Reason",
    "count": "Times",
    "share": "Share of checkouts",
    "none_declined": "No checkout was declined in this time.",
    "abandoned": "Invoices that nobody has paid",
    "ripe": "Invoices at least a day old",
    "unpaid": "Nobody has paid",
    "abandonment": "Abandonment",
    "times": "From the payment to the goods",
    "half": "Half are faster than",
    "nearly": "99 of a hundred are faster than",
    "delivered": "Deliveries",
    "seconds": "{n} s",
    "milliseconds": "{n} ms",
    "minutes": "{n} min",
    "unknown": "not known",
    "dots": "The newest deliveries, seconds from the payment",
    "dots_label": "Dots, the newest deliveries from left to right, seconds from the payment to the goods",
    "dots_none": "Nothing has been delivered yet.",
    "dots_what": "One dot for each of the newest deliveries, oldest at the left. The line is at ten minutes, after which a "
    "delivery counts as stuck; it is drawn where one comes near it. How long checkouts waited is not in the ledger.",
    "limit": "10 min",
    "dot": "{time}: {took}",
    "findings": "Worth a look",
    "nothing_found": "Nothing stands out in this time.",
}
_RU: Final[Mapping[str, str | tuple[str, ...]]] = {
    "nav": "Воронка",
    "of_invoices": "За {period} оплачено {share} счетов.",
    "often": "За {period} платежей: {paid}, счетов: {invoices}.",
    "lost_none": "Ни одна проверка не отклонена.",
    "lost_most": "Чаще всего проверки отклонялись по причине «{reason}»: {n}.",
    "nothing": "За {period} никому не отправлено ни одного счёта.",
    "declines": "Почему проверки отклонены",
    "reason": "Причина",
    "count": "Раз",
    "share": "Доля проверок",
    "none_declined": "За это время ни одна проверка не отклонена.",
    "abandoned": "Счета, которые никто не оплатил",
    "ripe": "Счета старше суток",
    "unpaid": "Никто не оплатил",
    "abandonment": "Брошено",
    "times": "От оплаты до товара",
    "half": "Половина быстрее, чем за",
    "nearly": "99 из ста быстрее, чем за",
    "delivered": "Выдачи",
    "seconds": "{n} с",
    "milliseconds": "{n} мс",
    "minutes": "{n} мин",
    "unknown": "неизвестно",
    "dots": "Последние выдачи, секунды от оплаты",
    "dots_label": "Точки: последние выдачи слева направо, секунды от оплаты до товара",
    "dots_none": "Пока ничего не выдано.",
    "dots_what": "По точке на каждую из последних выдач, старые слева. Линия на десяти минутах, после которых выдача считается "
    "застрявшей; она видна, когда какая-то к ней близка. Как долго бот отвечает на проверку, в журнале не записано.",
    "limit": "10 мин",
    "dot": "{time}: {took}",
    "findings": "Стоит посмотреть",
    "nothing_found": "За это время ничего не выделяется.",
}
WORDS: Final[Mapping[str, Mapping[str, str | tuple[str, ...]]]] = MappingProxyType(
    {"en": MappingProxyType(_EN), "ru": MappingProxyType(_RU)}
)

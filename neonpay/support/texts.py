"""What buyers and the shop's people read, in Russian for ``ru`` and in English for everybody else."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType


class Text(enum.Enum):
    """One thing to say."""

    NOTHING_PAID = enum.auto()
    CHOOSE = enum.auto()
    CHOOSE_FIRST = enum.auto()
    CONFIRM = enum.auto()
    SEND = enum.auto()
    NOT_YOURS = enum.auto()
    BACK_ALREADY = enum.auto()
    WAITS = enum.auto()
    APPROVED = enum.auto()
    REFUSED = enum.auto()
    TOO_LATE = enum.auto()
    CONTACT = enum.auto()
    REQUEST = enum.auto()
    REASON = enum.auto()
    APPROVE = enum.auto()
    REFUSE = enum.auto()
    NOT_FOR_YOU = enum.auto()
    IS_APPROVED = enum.auto()
    IS_REFUSED = enum.auto()
    TELEGRAM_REFUSES = enum.auto()


_ENGLISH: Mapping[Text, str] = MappingProxyType(
    {
        Text.NOTHING_PAID: "You have no payments here that could be given back.",
        Text.CHOOSE: "Which payment is it about?",
        Text.CHOOSE_FIRST: "Please choose the payment first, then send your words again.",
        Text.CONFIRM: "{title}, {stars} Stars, paid on {date}.\n\nSend the request with the button below, or say why with "
        "your own words, like this:\n/paysupport the file does not open",
        Text.SEND: "Ask for a refund",
        Text.NOT_YOURS: "This is not a payment of yours.",
        Text.BACK_ALREADY: "These Stars are back with you already, or on their way.",
        Text.WAITS: "Your request about {title} ({stars} Stars) has been received. A person will look at it and you will get "
        "an answer here.",
        Text.APPROVED: "Your request about {title} is granted: {stars} Stars go back to you.",
        Text.REFUSED: "Your request about {title} ({stars} Stars) has been refused.",
        Text.TOO_LATE: "Your request about {title} ({stars} Stars) cannot be granted: the time for refunds is over.",
        Text.CONTACT: "Questions? {contact}",
        Text.REQUEST: "A buyer asks for a refund.\n{title}, {stars} Stars, paid on {date}\nBuyer: {user}\nCharge: {charge}",
        Text.REASON: "Reason: {words}",
        Text.APPROVE: "Approve",
        Text.REFUSE: "Refuse",
        Text.NOT_FOR_YOU: "This button is not for you.",
        Text.IS_APPROVED: "Approved by {by}",
        Text.IS_REFUSED: "Refused by {by}",
        Text.TELEGRAM_REFUSES: "Approved, but Telegram refuses the refund: {why}",
    }
)
_RUSSIAN: Mapping[Text, str] = MappingProxyType(
    {
        Text.NOTHING_PAID: "Здесь нет ваших платежей, которые можно вернуть.",
        Text.CHOOSE: "О каком платеже идёт речь?",
        Text.CHOOSE_FIRST: "Сначала выберите платёж, затем отправьте сообщение ещё раз.",
        Text.CONFIRM: "{title}, звёзд: {stars}, оплачено {date}.\n\nОтправьте запрос кнопкой ниже или напишите причину своими "
        "словами, например так:\n/paysupport файл не открывается",
        Text.SEND: "Попросить о возврате",
        Text.NOT_YOURS: "Это не ваш платёж.",
        Text.BACK_ALREADY: "Эти звёзды уже возвращены или возвращаются.",
        Text.WAITS: "Ваш запрос получен: {title}, звёзд: {stars}. Его рассмотрит человек, ответ придёт сюда.",
        Text.APPROVED: "Ваш запрос одобрен: {title}. Вам возвращаются звёзды: {stars}.",
        Text.REFUSED: "В возврате отказано: {title}, звёзд: {stars}.",
        Text.TOO_LATE: "В возврате отказано: {title}, звёзд: {stars}. Срок для возврата истёк.",
        Text.CONTACT: "Есть вопросы? {contact}",
        Text.REQUEST: "Покупатель просит о возврате.\n{title}, звёзд: {stars}, оплачено {date}\nПокупатель: {user}\n"
        "Платёж: {charge}",
        Text.REASON: "Причина: {words}",
        Text.APPROVE: "Одобрить",
        Text.REFUSE: "Отказать",
        Text.NOT_FOR_YOU: "Эта кнопка не для вас.",
        Text.IS_APPROVED: "Одобрено: {by}",
        Text.IS_REFUSED: "Отказано: {by}",
        Text.TELEGRAM_REFUSES: "Одобрено, но Telegram отказывает в возврате: {why}",
    }
)


def is_russian(language_code: str | None) -> bool:
    """Whether somebody with this language of Telegram's reads Russian here."""
    return language_code is not None and language_code.lower().partition("-")[0] == "ru"


def say(text: Text, language_code: str | None, **values: object) -> str:
    """A text in a language, with its values filled in."""
    return (_RUSSIAN if is_russian(language_code) else _ENGLISH)[text].format_map(values)


def own_words(words: str | Mapping[str, str], language_code: str | None) -> str:
    """The shop's own text in a language: one text for everybody, or by language code; the first one is for the others."""
    if isinstance(words, str):
        return words
    language = (language_code or "").lower().partition("-")[0]
    return words.get(language) or next(iter(words.values()))

"""What the lively shop sells, and how it talks of it."""

from __future__ import annotations

from typing import Final

from neonpay import PaymentStage
from neonpay.core.stages import RefundPolicy, RepeatPolicy

BOT: Final = "lumen_lessons_bot"
BOT_NAME: Final = "Lumen Lessons"
PERIOD_S: Final = 2_592_000
"""The one period of a subscription that Telegram sells."""

LESSONS: Final = "lessons"
BOOK: Final = "phrasebook"
PRINT: Final = "print"
PLUS: Final = "plus"
CLUB: Final = "club"

_POLICY: Final = RefundPolicy(window_days=30, automatic=False)

SHELF: Final = {
    LESSONS: PaymentStage(
        title="Ten lessons",
        description="Ten lessons of half an hour, with a teacher of your choice",
        price=250,
        repeat=RepeatPolicy.REFUND,
        refund_policy=_POLICY,
    ),
    BOOK: PaymentStage(
        title="Phrasebook",
        description="Words for a week in Lisbon, to read and to hear",
        price=75,
        refund_policy=_POLICY,
    ),
    PRINT: PaymentStage(
        title="Sunrise over Alfama",
        description="A signed print; a few of them every week",
        price=400,
        refund_policy=_POLICY,
    ),
    PLUS: PaymentStage(title="Lumen Plus, month", description="A lesson a day", price=120, refund_policy=_POLICY),
    CLUB: PaymentStage(
        title="Lumen Club, month", description="A lesson a day, and talks on Fridays", price=300, refund_policy=_POLICY
    ),
}
ONE_OFF: Final = {BOOK: 56, LESSONS: 34, PRINT: 10}
"""How often each is asked for, of a hundred."""
PLANS: Final = {PLUS: 74, CLUB: 26}
FIRST_BOOK_PRICE: Final = 70
"""Of the phrasebook, in the first third of the time."""
PROMOTION_PRICE: Final = 190
"""Of ten lessons, on the day of the promotion."""
PRINTS_A_WEEK: Final = 10

SOLD_OUT: Final = {
    "en": "The prints of this week are gone. New ones come on Monday.",
    "ru": "Оттиски этой недели разошлись. Новые будут в понедельник.",
}
PRICE_CHANGED: Final = {
    "en": "The price has changed. Please ask for a new invoice.",
    "ru": "Цена изменилась. Попросите новый счёт.",
}

WEEK: Final = (0.92, 0.84, 0.88, 0.95, 1.08, 1.38, 1.22)
"""How busy each day of the week is, from Monday."""
HOURS: Final = (2, 1, 1, 1, 1, 2, 3, 5, 7, 8, 8, 9, 10, 9, 8, 8, 9, 11, 13, 15, 16, 14, 9, 5)
"""How busy each hour of the day is, in UTC."""

REASONS: Final = {
    "en": (
        "the recordings have no sound",
        "my teacher did not come twice",
        "I bought it by mistake",
        "my daughter pressed the button, sorry",
        "the file does not open on my tablet",
    ),
    "ru": (
        "в записях нет звука",
        "преподаватель дважды не пришёл",
        "нажал случайно, верните, пожалуйста",
        "не открывается на планшете",
        "передумала, извините",
    ),
}
OWNERS_REASONS: Final = (
    "the teacher fell ill",
    "paid by mistake, wrote to us by mail",
    "the print was lost by the post",
)
FAULTS: Final = (
    "the school's API answered 503",
    "the school's API did not answer within 10 s",
    "no seat in the timetable yet",
)

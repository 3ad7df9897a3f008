"""The page of a centre in the dashboard: what each bot has told of the last days, and when it was heard last."""

from __future__ import annotations

from html import escape
from typing import Final

from aiohttp import web
from sqlalchemy.exc import DBAPIError

from neonpay.collection import figures
from neonpay.collection.centre import Centre
from neonpay.errors import LedgerError
from neonpay.web.part import Html, Part, language, page
from neonpay.web.reading import BlindError

NAME: Final = "centre"
"""What its address begins with."""
_DAYS: Final = 30
_LIMIT_S: Final = 10.0
"""How long the ledger may take for one bot."""
_TITLE: Final = {"en": "Bots that report here", "ru": "Боты, которые сообщают сюда"}
_HEADS: Final = {
    "en": ("Bot", "Last heard, UTC", "Events", "People", "Payments", "Stars", "Came twice", "Time moved"),
    "ru": ("Бот", "Последние данные, UTC", "События", "Люди", "Платежи", "Звёзды", "Повторы", "Время исправлено"),
}
_LEAD: Final = {
    "en": "The last 30 days, as these bots tell them. Their books are where the bots are.",
    "ru": "Последние 30 дней — так, как о них сообщают боты. Их книги хранятся там, где работают боты.",
}
_NOBODY: Final = {"en": "No bot has sent anything yet.", "ru": "Пока ни один бот ничего не прислал."}


def part(centre: Centre) -> Part:
    """The page, for the navigation of the dashboard that the centre is beside of."""

    async def show(request: web.Request) -> web.Response:
        spoken = language(request)
        try:
            ledger = await centre.ledger()
            until_us = centre.clock.now_us() + 1
            since_us = until_us - _DAYS * figures.DAY_US
            known = await centre.bots(_LIMIT_S)
            each = [await ledger.report(_LIMIT_S, figures.of_bot, bot, since_us, until_us) for bot in known]
        except (LedgerError, DBAPIError) as exc:
            raise BlindError(None) from exc
        rows = [_row(bot, told) for bot, told in zip(known, each, strict=True)]
        body = _table(spoken, rows) if rows else f'<p class="lead">{escape(_NOBODY[spoken])}</p>'
        return page(request, title=_TITLE[spoken], body=Html(body))

    app = web.Application()
    app.router.add_get("/", show)
    return Part(app, _TITLE)


def _table(spoken: str, rows: list[tuple[str, ...]]) -> str:
    first, *heads = (escape(head) for head in _HEADS[spoken])
    head = f'<th scope="col">{first}</th>' + "".join(f'<th scope="col" class="num">{one}</th>' for one in heads)
    lines = "".join(
        f'<tr><th scope="row"><bdi>{escape(name)}</bdi></th>'
        + "".join(f'<td class="num">{escape(cell)}</td>' for cell in cells)
        + "</tr>"
        for name, *cells in rows
    )
    title = escape(_TITLE[spoken])
    return (
        f'<p class="lead">{escape(_LEAD[spoken])}</p><div class="sideways" tabindex="0" role="region" aria-label="{title}">'
        f'<table class="table"><caption class="sr">{title}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _row(bot: figures.BotStatus, told: figures.BotFigures) -> tuple[str, ...]:
    counts = (told.events, told.people, told.payments, told.revenue_stars, bot.repeated, bot.moved)
    return (
        bot.name or bot.alias or str(bot.bot_id),
        f"{bot.seen_at:%Y-%m-%d %H:%M}",
        *(f"{count:,}" for count in counts),
    )

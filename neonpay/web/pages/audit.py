"""The book of acts: who did what in the dashboard, from where. It is read, and never written by a page of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from aiohttp import web

from neonpay.core.jsontext import JsonValue, load_object
from neonpay.ledger import Transaction
from neonpay.ledger.tables_access import audit
from neonpay.web.access import Role, require
from neonpay.web.access.audit import NO_BOT
from neonpay.web.asked import words_in
from neonpay.web.reading import read
from neonpay.web.rendering import render, speech
from neonpay.web.shops import bots_in_scope
from neonpay.web.words.audit import WORDS

PATH: Final = "/audit"
PAGE_ROWS: Final = 50
_MOST_PAGES: Final = 10_000
_MOST_CHOICES: Final = 200


@dataclass(frozen=True, slots=True)
class Act:
    """One line of the book."""

    bot_id: int
    at: datetime
    who: str
    role: str
    act: str
    subject: str | None
    address: str
    detail: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class _Acts:
    """A page of the book.

    Attributes:
        total: how many lines there are with this filter.
        people: everybody who ever did something.
        kinds: whatever was ever done.
    """

    lines: Sequence[Act]
    total: int
    people: Sequence[str]
    kinds: Sequence[str]


def routes() -> Iterable[web.AbstractRouteDef]:
    """What answers at ``/audit``."""
    return (web.get(PATH, show),)


async def show(request: web.Request) -> web.Response:
    """A page of the book, newest first."""
    require(request, Role.OWNER)
    who, act, text = (words_in(request, name, most=100) for name in ("who", "act", "subject"))
    number = request.query.get("page", "")
    page = min(int(number), _MOST_PAGES) if number.isascii() and number.isdecimal() and len(number) <= 6 else 1  # noqa: PLR2004  # figures
    page = max(page, 1)
    bots = [*bots_in_scope(request), *([] if request.query.get("bot") else [NO_BOT])]
    acts = await read(request, _acts, bots, who, act, text, page)
    w = speech(request)
    return render(
        request,
        "audit.html",
        acts=acts,
        who=who,
        act=act,
        subject=text,
        page=page,
        pages=max(1, -(-acts.total // PAGE_ROWS)),
        told=lambda name: w(f"audit.{key}") if (key := name.replace(".", "_")) in WORDS["en"] else name,
    )


def _acts(transaction: Transaction, bots: Sequence[int], who: str, act: str, subject: str, page: int) -> _Acts:
    connection = transaction.connection
    of_bots = audit.c.bot_id.in_(bots)
    conditions: list[sa.ColumnElement[bool]] = [of_bots]
    if who:
        conditions.append(audit.c.who == who)
    if act:
        conditions.append(audit.c.act == act)
    if subject:
        conditions.append(audit.c.subject.startswith(subject, autoescape=True))
    columns = [audit.c[name] for name in ("bot_id", "at", "who", "role", "act", "subject", "address", "detail")]
    query = sa.select(*columns).where(*conditions).order_by(audit.c.at.desc(), audit.c.audit_id.desc())
    rows = connection.execute(query.limit(PAGE_ROWS).offset((page - 1) * PAGE_ROWS)).all()
    total = connection.execute(sa.select(sa.func.count()).select_from(audit).where(*conditions)).scalar_one()

    def every(name: str) -> list[str]:
        column = audit.c[name]
        found = sa.select(column).where(of_bots).distinct().order_by(column).limit(_MOST_CHOICES)
        return [str(value) for value in connection.execute(found).scalars()]

    lines = [
        Act(
            bot_id=row.bot_id,
            at=row.at,
            who=row.who,
            role=row.role,
            act=row.act,
            subject=row.subject,
            address=row.address,
            detail=load_object(row.detail),
        )
        for row in rows
    ]
    return _Acts(lines, total, every("who"), every("act"))

"""``/notifications``: what waits, was sent and has not arrived, with each attempt, and the programs that are told of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from aiohttp import web

from neonpay.core.clock import moment
from neonpay.errors import LedgerError, ValidationError
from neonpay.ledger import Transaction
from neonpay.notifications import queue
from neonpay.notifications.endpoints import endpoints
from neonpay.notifications.kinds import NotificationType
from neonpay.notifications.log import (
    STATES,
    LoggedAttempt,
    LoggedNote,
    count_by_state,
    find_note,
    last_answers,
    read_attempts,
    read_log,
)
from neonpay.notifications.masking import shown_address
from neonpay.web.access import Role, record_act, require, viewer
from neonpay.web.access.door import door
from neonpay.web.acting import DONE
from neonpay.web.asked import words_in
from neonpay.web.part import Part
from neonpay.web.reading import BlindError, read
from neonpay.web.rendering import render
from neonpay.web.scope import scope_of
from neonpay.web.shops import bots_in_scope, shops
from neonpay.web.words.events import event_title
from neonpay.web.words.notifications import WORDS

if TYPE_CHECKING:
    from neonpay.app import NeonPayCore

PATH: Final = "/notifications/"
PAGE_ROWS: Final = 50
_MOST_PAGES: Final = 10_000
_ONE: Final = r"/{bot:\d{1,18}}/{note:ntf_[0-9a-f]{32}}"
_ENDED: Final = frozenset({queue.SENT, queue.DEAD})


@dataclass(frozen=True, slots=True)
class ShownEndpoint:
    """A program that is told of events, without its secrets; ``last`` is its last answer."""

    endpoint_id: str
    address: str
    events: Sequence[str]
    since: datetime
    last: LoggedAttempt | None


@dataclass(frozen=True, slots=True)
class _Found:
    notes: Sequence[LoggedNote]
    total: int
    counts: Mapping[str, int]
    endpoints: Sequence[ShownEndpoint]


def part(neonpay: NeonPayCore) -> Part:
    """The page, for the navigation."""
    app = web.Application()
    app.router.add_get("/", show)
    app.router.add_get(_ONE, show_one)
    app.router.add_post(f"{_ONE}/again", again)
    return Part(app, {language: str(words["nav"]) for language, words in WORDS.items()})


async def show(request: web.Request) -> web.Response:
    """The list, and the endpoints."""
    state, channel = words_in(request, "state", most=20), words_in(request, "channel", most=20)
    to, number = words_in(request, "to", most=60), words_in(request, "page", most=6)
    page = max(1, min(int(number), _MOST_PAGES)) if number.isascii() and number.isdecimal() else 1
    state = state if state in STATES else ""
    channel = channel if channel in set(NotificationType) else ""
    found = await read(request, _find, bots_in_scope(request), state, channel, to, page)
    return render(
        request,
        "notifications.html",
        found=found,
        state=state,
        channel=channel,
        to=to,
        page=page,
        pages=max(1, -(-found.total // PAGE_ROWS)),
        states=("", *STATES),
        channels=[one.value for one in NotificationType],
        here=PATH,
        now=moment(door(request).clock.now_us()),
        event_title=event_title,
    )


async def show_one(request: web.Request) -> web.Response:
    """One message with each attempt at it."""
    note, attempts = await _named(request)
    return render(
        request,
        "notification.html",
        note=note,
        tried=attempts,
        here=PATH,
        event_title=partial(event_title),
        may_send=viewer(request).role >= Role.OPERATOR and note.state in _ENDED,
        done=request.query.get(DONE, "") == "again",
    )


async def again(request: web.Request) -> web.Response:
    """Have a message that has ended go out once more."""
    require(request, Role.OPERATOR)
    note, _ = await _named(request)
    if note.state in _ENDED:  # and not at a second press, while it waits
        try:
            await shops(request).ledger.run(queue.revive, note.bot_id, note.note_id)
        except LedgerError as exc:
            raise BlindError(None) from exc
        detail = {"channel": note.channel.value, "about": note.kind}
        await record_act(
            request, act="notification.resend", bot_id=note.bot_id, subject=note.note_id, detail=dict(detail)
        )
    raise web.HTTPSeeOther(scope_of(request).link(f"{PATH}{note.bot_id}/{note.note_id}", **{DONE: "again"}))


async def _named(request: web.Request) -> tuple[LoggedNote, list[LoggedAttempt]]:
    bot_id = int(request.match_info["bot"])
    shops(request).of_bot(bot_id)
    try:
        return await read(request, _find_one, bot_id, request.match_info["note"])
    except ValidationError:
        raise web.HTTPNotFound from None


def _find_one(transaction: Transaction, bot_id: int, note_id: str) -> tuple[LoggedNote, list[LoggedAttempt]]:
    return find_note(transaction, [bot_id], note_id), read_attempts(transaction, bot_id, note_id)


def _find(transaction: Transaction, bots: Sequence[int], state: str, channel: str, to: str, page: int) -> _Found:
    counts = dict.fromkeys(STATES, 0)
    told: list[ShownEndpoint] = []
    for bot_id in bots:
        for name, count in count_by_state(transaction, bot_id).items():
            counts[name] += count
        of_bot = endpoints(transaction, bot_id)
        answers = last_answers(transaction, bot_id, [one.endpoint_id for one in of_bot])
        told += [
            ShownEndpoint(
                endpoint_id=one.endpoint_id,
                address=shown_address(one.url),
                events=one.events,
                since=moment(one.made_at_us),
                last=answers.get(one.endpoint_id),
            )
            for one in of_bot
        ]
    notes, total = read_log(
        transaction,
        bots,
        channel=NotificationType(channel) if channel else None,
        state=state or None,
        recipient=to or None,
        limit=PAGE_ROWS,
        skip=(page - 1) * PAGE_ROWS,
    )
    return _Found(notes, total, counts, told)

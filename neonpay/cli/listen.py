"""``neonpay listen``: what happens in a shop, posted to a program that is being written."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer

from neonpay.cli.shop import BotOption, DatabaseOption, errors_in_one_line, of_bot, only_bot, read_ledger, where_to_read
from neonpay.cli.stopping import told_to_stop
from neonpay.core.clock import SystemClock, moment, stopwatch_s
from neonpay.core.text import clean
from neonpay.errors import LedgerCorruptError, LedgerError, SchemaTooNewError

if TYPE_CHECKING:
    import aiohttp

    from neonpay.core.events import Event
    from neonpay.ledger import Ledger
    from neonpay.notifications.note import Note

_LOOK_S: Final = 0.5
_AGAIN_S: Final = 1.0
"""Between two attempts at a database that is away."""
_TIMEOUT_S: Final = 20.0
AWAY_LOOKS: Final = 140
"""After so many looks without a turn, which are more than a minute, nobody is at work; a shop takes one every half minute."""
_AT_ONCE: Final = 100
_SHOWN_BYTES: Final = 200
_REDIRECT: Final = 3
_US: Final = 1_000_000
T = TypeVar("T")


def listen(
    *,
    forward_to: Annotated[str, typer.Option(help="Where events are posted to.", metavar="URL")],
    events: Annotated[
        str, typer.Option(help="Names of the events that are posted, with commas between; all when left out.")
    ] = "",
    database: DatabaseOption = None,
    bot_id: BotOption = None,
) -> None:
    """Post what happens from now on to a program that you write, signed as a webhook, until Ctrl-C; for development.

    Each event is posted once, and its line says what the program answered. Nothing is kept, and no endpoint is needed. The shop
    and its database may stop and start again meanwhile, which is said.
    """
    from neonpay.core.webhook_signing import keys_of, new_secret
    from neonpay.notifications.config import check_url
    from neonpay.notifications.endpoints import check_events
    from neonpay.notifications.settings import config_from_settings

    with errors_in_one_line():
        check_url("--forward-to", forward_to)
        wanted = frozenset(name.strip() for name in events.split(",") if name.strip())
        check_events(sorted(wanted))
        at = where_to_read(database, bot_id)
        at = of_bot(at, read_ledger(at, only_bot))
        known = config_from_settings().webhook_secret
        secret = known or new_secret(secrets.token_bytes)
        typer.echo(f"Events of bot {at.bot_id} are posted to {forward_to} until Ctrl-C.")
        typer.echo(f"Their secret is {'that of NEONPAY_NOTIFY_WEBHOOK_SECRET' if known else secret}")
        with suppress(KeyboardInterrupt):  # Windows, where no signal can be waited for
            asyncio.run(_listen(at.database_url, at.bot_id or 0, _Forwarding(forward_to, keys_of(secret), wanted)))


@dataclass(frozen=True, slots=True)
class _Forwarding:
    url: str
    keys: Sequence[bytes]
    wanted: frozenset[str]

    async def post(self, session: aiohttp.ClientSession, note: Note) -> str:
        """What was answered."""
        import aiohttp

        from neonpay.core.webhook_signing import sign
        from neonpay.notifications.channels.no_answer import no_answer
        from neonpay.notifications.channels.webhook import ABOUT_THE_BODY, body_of

        body = body_of(note)
        headers = sign(self.keys, note.note_id, SystemClock().now_us() // _US, body)
        began_s = stopwatch_s()
        try:
            sent = session.post(self.url, data=body, headers={**headers, **ABOUT_THE_BODY}, allow_redirects=False)
            async with sent as answer:
                told = clean((await answer.content.read(_SHOWN_BYTES)).decode("utf-8", "replace"), _SHOWN_BYTES)
        except (aiohttp.ClientError, OSError, TimeoutError, UnicodeError) as exc:
            return no_answer(exc, _TIMEOUT_S)
        words = "" if answer.ok else f": {' '.join(told.split())}"
        if answer.status // 100 == _REDIRECT:
            words = ": a redirect, which is not followed"
        return f"{answer.status} in {stopwatch_s() - began_s:.2f} s{words.rstrip(': ')}"


async def _listen(database_url: str, bot_id: int, forwarding: _Forwarding) -> None:
    from neonpay.ledger import open_ledger

    stopped = told_to_stop()
    reading = _Reading(lambda: open_ledger(database_url, as_it_is=True))
    posting = asyncio.ensure_future(_forward(reading, bot_id, forwarding))
    stopping = asyncio.ensure_future(stopped.wait())
    try:
        await asyncio.wait({posting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if posting.done():
            await posting
    finally:
        for task in (posting, stopping):
            task.cancel()
        await asyncio.gather(posting, stopping, return_exceptions=True)
        await reading.close()


class _Reading:
    """A ledger whose database may be away for a while, as when it is started anew or its file is replaced."""

    def __init__(self, opened: Callable[[], Ledger]) -> None:
        self._opened = opened
        self._ledger: Ledger | None = None
        self._is_away = False

    async def until_there(self, ask: Callable[[Ledger], Awaitable[T]]) -> T:
        """What the ledger answers, however long that takes; says once what is waited for."""
        while True:
            try:
                if self._ledger is None:
                    self._ledger = self._opened()
                found = await ask(self._ledger)
            except (SchemaTooNewError, LedgerCorruptError):
                raise  # what no waiting mends
            except LedgerError as exc:
                if not self._is_away:
                    self._is_away = True
                    typer.echo(f"Waiting for the database: {clean(exc)}")
                await self.close()
                await asyncio.sleep(_AGAIN_S)
            else:
                if self._is_away:
                    self._is_away = False
                    typer.echo("The database is there again.")
                return found

    async def close(self) -> None:
        """Give its connections back."""
        ledger, self._ledger = self._ledger, None
        if ledger is not None:
            with suppress(LedgerError):
                await ledger.close()


class ShopWatch:
    """Whether a program of the shop is at work, which takes turns at a periodic task for as long as it is.

    What is counted is looks, not seconds, so that a database which is away proves nothing.
    """

    def __init__(self) -> None:
        self._turn: tuple[int, int | None] | None = None
        self._looks = 0
        self._is_away = False

    def looked(self, turn: tuple[int, int | None] | None) -> str | None:
        """What is to be said, now that this is how the task stands; None when nothing is."""
        if turn != self._turn:
            self._turn, self._looks = turn, 0
            was_away, self._is_away = self._is_away, False
            return "A program of the shop is at work again." if was_away else None
        self._looks += 1
        if self._is_away or self._looks < AWAY_LOOKS:
            return None
        self._is_away = True
        return "No program of the shop has been at work for over a minute. What happens is posted when one is."


async def _forward(reading: _Reading, bot_id: int, forwarding: _Forwarding) -> None:
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
        async for note in _coming(reading, bot_id, forwarding.wanted):
            answer = await forwarding.post(session, note)
            at = moment(SystemClock().now_us())
            typer.echo(f"{at:%H:%M:%S}  {note.kind}  {note.data['event_id']}  {answer}")


async def _coming(reading: _Reading, bot_id: int, wanted: frozenset[str]) -> AsyncIterator[Note]:
    """What happens from now on, as it is told to programs."""
    from neonpay.books.sealing import seal_next
    from neonpay.notifications.channels import ENDPOINT, Endpoint
    from neonpay.notifications.telling import note_for, wants
    from neonpay.store.sequence import last_number

    async def number(ledger: Ledger) -> int:
        while await ledger.run(seal_next, bot_id, _AT_ONCE) == _AT_ONCE:
            pass
        return await ledger.read(last_number, bot_id)

    after = await reading.until_there(number)
    typer.echo("Ready.")
    watch = ShopWatch()
    endpoint = Endpoint(endpoint_id=f"{ENDPOINT}listen", url="", secret="", events=tuple(wanted), after_number=after)
    while True:
        newest = min(await reading.until_there(number), after + _AT_ONCE)
        happened = partial(_happened, bot_id, after, newest)
        for at, name, event in await reading.until_there(happened):
            if wants(endpoint, at, name):
                yield note_for(endpoint, name, event)
        if newest == after:
            told = watch.looked(await reading.until_there(partial(_turn, bot_id)))
            if told is not None:
                typer.echo(told)
            await asyncio.sleep(_LOOK_S)
        after = newest


async def _happened(bot_id: int, after: int, last: int, ledger: Ledger) -> list[tuple[int, str, Event]]:
    from neonpay.store.entries import events_between

    return await ledger.read(events_between, bot_id, after, last)


async def _turn(bot_id: int, ledger: Ledger) -> tuple[int, int | None] | None:
    """When the task that comes round most often is due, and who has it; None when nobody ever had."""
    from neonpay.books.sealing import SEAL
    from neonpay.store.periodic import standing

    return await ledger.read(standing, bot_id, SEAL)

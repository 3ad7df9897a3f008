"""The page of the bots: whether each is at work and what it needs, the loops of this program, and what extensions show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from aiohttp import web

from neonpay.core.secrecy import mask
from neonpay.monitoring.health import Health, look
from neonpay.web.access.visit import visit
from neonpay.web.bot_checks import BotChecks
from neonpay.web.layout import row
from neonpay.web.part import Html, Part, language, page
from neonpay.web.rendering import speech, templates
from neonpay.web.shops import bots_in_scope, shops
from neonpay.web.words.frame import sentences

if TYPE_CHECKING:
    from neonpay.app import NeonPayCore
    from neonpay.errors import ExtensionError
    from neonpay.store.loops import LoopHealth

_ENGINES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


class Overview:
    """Answers ``/bots`` and ``/healthz``."""

    def __init__(
        self,
        neonpay: NeonPayCore,
        parts: Sequence[tuple[str, Part]],
        helps: Mapping[str, str],
        errors: Sequence[ExtensionError],
        *,
        watches_loops: bool,
    ) -> None:
        self._neonpay = neonpay
        self._parts = parts
        self._helps = helps
        self._errors = errors
        self._watches_loops = watches_loops
        self._checks = BotChecks()

    async def health(self) -> Health:
        """How the shop is now."""
        return await look(self._neonpay.program, watches_loops=self._watches_loops)

    async def show(self, request: web.Request) -> web.Response:
        """The page."""
        health = await self.health()
        words = sentences(language(request))
        sentence, lead = self._sentence(health, words)
        checks = await self._checked(request, reads_books=health.engine is not None)
        sections = [checks, self._facts(health, words), self._loops(health, words), self._extensions(request, words)]
        lead = Html(f'<p class="lead">{lead}</p>') if lead else Html("")
        return page(request, title=sentence, body=Html(lead + "".join(sections)))

    async def _checked(self, request: web.Request, *, reads_books: bool) -> Html:
        w, known = speech(request), visit(request).waiting.names
        shown = set(bots_in_scope(request))
        bots = []
        for shop in shops(request).each:
            bot_id = shop.program.adapter.bot_id
            if bot_id in shown:
                title = f"@{known[bot_id]}" if bot_id in known else w("frame.bot")
                bots.append((title, bot_id, await self._checks.of(w, shop, reads_books=reads_books)))
        return Html(templates().get_template("bot_checks.html").render(w=w, bots=bots))

    def _sentence(self, health: Health, words: Mapping[str, str]) -> tuple[str, str]:
        """The heading, and what stands below it as HTML."""
        if health.engine is None:
            return words["blind"], escape(words["blind_lead"]).format(command=_command("neonpay doctor"))
        if not self._watches_loops:
            return words["reads"], escape(words["reads_lead"])
        if not health.is_open:
            return words["unopened"], escape(words["unopened_lead"])
        if health.stopped:
            return words["idle"].format(names=", ".join(health.stopped)), escape(words["idle_lead"])
        failing = [loop.name for loop in health.loops if loop.failures]
        if failing:
            return words["trouble"].format(names=", ".join(failing)), escape(words["trouble_lead"])
        return words["well"], ""

    def _facts(self, health: Health, words: Mapping[str, str]) -> Html:
        stats = self._neonpay.get_stats()
        library = words["no_library"] if stats["library"] == "none" else str(stats["library"])
        engine = words["no_answer"] if health.engine is None else _ENGINES.get(health.engine, health.engine)
        is_well = health.engine is not None
        rows = (
            row(Html(escape(words["bot"])), Html(f'<span class="mono">{stats["bot_id"]}</span>')),
            row(Html(escape(words["library"])), Html(escape(library))),
            row(
                Html(escape(words["ledger"])),
                Html(escape(engine)),
                mark=_mark(words, is_well=is_well),
                is_well=is_well,
            ),
        )
        return _section(words["shop"], rows)

    def _loops(self, health: Health, words: Mapping[str, str]) -> Html:
        return _section(words["loops"], [_loop(loop, words) for loop in health.loops]) if health.loops else Html("")

    def _extensions(self, request: web.Request, words: Mapping[str, str]) -> Html:
        spoken = language(request)
        rows = [
            row(
                Html(f'<a href="/{name}/">{escape(part.title_in(spoken))}</a>'),
                Html(f'<span class="mono">{name}</span>'),
                more=self._helps[name],
            )
            for name, part in self._parts
        ]
        rows += [
            row(
                Html(escape(error.extension)),
                Html(escape(words["cannot_be_used"])),
                mark=_mark(words, is_well=False),
                is_well=False,
                more=mask(str(error)),
            )
            for error in self._errors
        ]
        if rows:
            return _section(words["extensions"], rows)
        none = escape(words["no_extensions"]).format(command=_command("neonpay extensions"))
        return Html(f'<section><h2>{escape(words["extensions"])}</h2><p class="lead">{none}</p></section>')


def _loop(loop: LoopHealth, words: Mapping[str, str]) -> Html:
    is_well = loop.is_alive and not loop.failures
    value = words["stopped"] if not loop.is_alive else words["failing"] if loop.failures else words["at_work"]
    name = Html(f'<span class="mono">{escape(loop.name)}</span>')
    return row(name, Html(escape(value)), mark=_mark(words, is_well=is_well), is_well=is_well)


def _mark(words: Mapping[str, str], *, is_well: bool) -> str:
    return words["good" if is_well else "attention"]


def _section(title: str, rows: Sequence[Html]) -> Html:
    return Html(f'<section><h2>{escape(title)}</h2><ul class="rows">{"".join(rows)}</ul></section>')


def _command(words: str) -> str:
    return f"<code>{escape(words)}</code>"


OVERVIEW: Final = web.AppKey("OVERVIEW", Overview)

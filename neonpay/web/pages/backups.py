"""``/backup``: what was done with backups, as the ledger tells of it, and whether any can be relied on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiohttp import web

from neonpay.backup.runs import Restore, Run, last, last_restore, runs, since
from neonpay.core.clock import moment
from neonpay.ledger import Transaction
from neonpay.web.access.door import door
from neonpay.web.part import Part
from neonpay.web.reading import read
from neonpay.web.rendering import render
from neonpay.web.words.backups import WORDS

if TYPE_CHECKING:
    from neonpay.app import NeonPayCore

PATH: Final = "/backup/"
ROWS: Final = 50


@dataclass(frozen=True, slots=True)
class _Found:
    """What the ledger tells.

    Attributes:
        good: the last backup that did not fail.
        drill: the last one that was tried out.
    """

    runs: Sequence[Run]
    good: Run | None
    drill: Run | None
    restored: Restore | None

    @property
    def is_failing(self) -> bool:
        """Whether the newest backup has failed."""
        newest = since(self.restored, next((run for run in self.runs if run.act == "backup"), None))
        return newest is not None and newest.error is not None


def part(neonpay: NeonPayCore) -> Part:
    """The page, for the navigation."""
    app = web.Application()
    app.router.add_get("/", show)
    return Part(app, {language: str(words["nav"]) for language, words in WORDS.items()})


async def show(request: web.Request) -> web.Response:
    """The runs, newest first."""
    found = await read(request, _find)
    return render(request, "backups.html", found=found, here=PATH, now=moment(door(request).clock.now_us()))


def _find(transaction: Transaction) -> _Found:
    restored = last_restore(transaction)
    good = since(restored, last(transaction, "backup"))
    return _Found(runs(transaction, limit=ROWS), good, last(transaction, "drill"), restored)

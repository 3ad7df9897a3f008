"""Whether the ledger can be read, has this release's tables, and what in it waits for somebody. Nothing is written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import sqlalchemy as sa

from neonpay.cli.checks.check import Check, ok, problem, skipped, warning
from neonpay.cli.reading.people import bot_called
from neonpay.core.job_states import JobState
from neonpay.core.payments import Attention, PaymentState
from neonpay.errors import ConfigurationError, LedgerError, NoLedgerError, SchemaTooNewError, SchemaTooOldError
from neonpay.ledger import Transaction, open_ledger
from neonpay.ledger.open import place_of
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import jobs, off_sale, payments, refunds, stages
from neonpay.payments.consumers.registry import ConsumerKind, Roster, read_consumers
from neonpay.store.signing_keys import bots

T = TypeVar("T")

NAMES = (
    "database.reachable",
    "database.schema",
    "ledger.bot",
    "ledger.handlers",
    "ledger.other_ledger",
    "ledger.needs_attention",
    "ledger.dead_letters",
    "ledger.stray_leases",
    "ledger.overdue",
    "ledger.refunds",
)
"""Every check that ``check_database`` makes, in this order."""
STRAY_AFTER_S = 60
"""How long after its end a lease is nobody's: a running bot takes it over within seconds."""
OVERDUE_AFTER_S = 300
"""How long after it was due a job is late: a running bot with its handler begins at once."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the ledger has of the bots that were asked for.

    Attributes:
        bots: every bot in the ledger.
        undelivered: stages that were offered, are not off sale, and have no handler in any program.
        sold_elsewhere: payments that another ledger has sold.
        needs_attention: other payments that a person has to decide on.
        dead_letters: jobs that failed on their last attempt.
        stray_leases: jobs whose worker has gone and that nobody has taken over.
        overdue: jobs that nobody has begun though they have been due for long.
        unknown_refunds: refunds whose answer was lost.
    """

    bots: tuple[int, ...]
    undelivered: tuple[str, ...]
    sold_elsewhere: int
    needs_attention: int
    dead_letters: int
    stray_leases: int
    overdue: int
    unknown_refunds: int


async def check_database(database_url: str, *, bot_id: int | None, timeout_s: float, bot_name: str = "") -> list[Check]:
    """Every check of ``NAMES``, in this order; what cannot be asked because of an earlier answer is skipped.

    Args:
        database_url: of the ledger; its password is shown nowhere.
        bot_id: whose payments; those of every bot in the ledger when None.
        timeout_s: seconds after which a server that does not answer counts as away.
        bot_name: the bot's username, where it was named by that.
    """
    try:
        if bot_name:
            bot_id = await _look(database_url, partial(_called, bot_name, bot_id), timeout_s)
        waiting = await _look(database_url, partial(_count, bot_id=bot_id), timeout_s)
    except ConfigurationError as error:
        made = [problem(NAMES[0], *_halves(error, "give --database the URL that the bot runs with"))]
    except NoLedgerError as error:
        advice = "start the bot, which makes it; if it has run before, give the URL that it runs with"
        made = [warning(NAMES[0], _halves(error, "")[0], advice)]
    except SchemaTooOldError as error:
        finding = f"the ledger has schema {error.schema}, and this release needs {error.needed}"
        advice = "start the bot with this release once, which upgrades it; keep a backup of before"
        made = [ok(NAMES[0], _reached(database_url)), warning(NAMES[1], finding, advice)]
    except SchemaTooNewError as error:
        advice = "upgrade neonpay here to the release that the bot last ran with"
        made = [ok(NAMES[0], _reached(database_url)), problem(NAMES[1], _halves(error, "")[0], advice)]
    except LedgerError as error:
        made = [
            problem(NAMES[0], *_halves(error, "see whether the server runs, and give the URL that the bot runs with"))
        ]
    except TimeoutError:
        advice = "see whether the server runs and lets this machine in"
        made = [problem(NAMES[0], f"{place_of(database_url)} did not answer within {timeout_s:g} s", advice)]
    else:
        schema = ok(NAMES[1], "the ledger has tables that this release works on")
        return [ok(NAMES[0], _reached(database_url)), schema, _bot(waiting, bot_id), *_waiting(waiting)]
    cause = made[-1].name
    return made + [skipped(name, f"cannot be read, see {cause}") for name in NAMES[len(made) :]]


async def _look(database_url: str, look: Callable[[Transaction], T], timeout_s: float) -> T:
    ledger = open_ledger(_only_read(database_url), as_it_is=True)
    try:
        async with asyncio.timeout(timeout_s):
            return await ledger.read(look)
    finally:
        await ledger.close()


def _called(bot_name: str, token_of: int | None, transaction: Transaction) -> int:
    return bot_called(transaction, bots(transaction), bot_name, token_of=token_of)


def _count(transaction: Transaction, bot_id: int | None) -> Waiting:
    def number(table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
        of_bot = () if bot_id is None else (table.c.bot_id == bot_id,)
        query = sa.select(sa.func.count()).select_from(table).where(*of_bot, *where)
        return int(transaction.connection.execute(query).scalar_one())

    now = DatabaseNow()
    waits = (payments.c.state == PaymentState.NEEDS_ATTENTION.value,)
    return Waiting(
        bots=tuple(bots(transaction)),
        undelivered=tuple(_undelivered(transaction, bots(transaction) if bot_id is None else [bot_id])),
        sold_elsewhere=number(payments, *waits, payments.c.attention == Attention.OTHER_LEDGER.value),
        needs_attention=number(payments, *waits, payments.c.attention != Attention.OTHER_LEDGER.value),
        dead_letters=number(jobs, jobs.c.state == JobState.DEAD),
        stray_leases=number(jobs, jobs.c.state == JobState.LEASED, jobs.c.run_at < now - STRAY_AFTER_S * 1_000_000),
        overdue=number(
            jobs,
            jobs.c.state.in_((JobState.READY, JobState.STRANDED)),
            jobs.c.run_at < now - OVERDUE_AFTER_S * 1_000_000,
        ),
        unknown_refunds=number(refunds, refunds.c.state == "unknown"),
    )


def _only_read(url: str) -> str:
    if not url.startswith("sqlite:") or "mode=" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}mode=ro"


def _reached(database_url: str) -> str:
    return f"{place_of(database_url)} can be read"


def _bot(waiting: Waiting, bot_id: int | None) -> Check:
    names = ", ".join(map(str, waiting.bots)) or "none"
    if bot_id is not None and bot_id not in waiting.bots:
        advice = "see whether token and database belong together; a new bot is entered at its first start"
        return warning("ledger.bot", f"the ledger does not have bot {bot_id}; it has: {names}", advice)
    if not waiting.bots:
        return warning("ledger.bot", "the ledger has no bot yet", "start the bot once")
    return ok("ledger.bot", f"the ledger has bot {bot_id if bot_id is not None else names}")


def _waiting(waiting: Waiting) -> Sequence[Check]:
    return [
        _handlers(waiting.undelivered),
        _elsewhere(waiting.sold_elsewhere),
        _none_of(
            "ledger.needs_attention",
            waiting.needs_attention,
            ("payment needs", "payments need"),
            "a decision",
            "neonpay payments list --needs-attention; then accept or refund each",
        ),
        _none_of(
            "ledger.dead_letters",
            waiting.dead_letters,
            ("job has", "jobs have"),
            "failed on the last attempt",
            "neonpay payments list --dead-letters; repair the cause, then retry or refund each",
        ),
        _none_of(
            "ledger.stray_leases",
            waiting.stray_leases,
            ("job was", "jobs were"),
            "left by a worker that is gone",
            "start the bot, which takes them over",
        ),
        _none_of(
            "ledger.overdue",
            waiting.overdue,
            ("job has", "jobs have"),
            f"been due for more than {OVERDUE_AFTER_S // 60} minutes",
            "see whether the bot runs, and whether a handler was renamed or removed: its jobs wait for its old name",
        ),
        _none_of(
            "ledger.refunds",
            waiting.unknown_refunds,
            ("refund has", "refunds have"),
            "lost Telegram's answer",
            "have the bot run, which finds out and finishes them",
        ),
    ]


def _undelivered(transaction: Transaction, bot_ids: Sequence[int]) -> Iterator[str]:
    for bot_id in bot_ids:
        roster = Roster(0, read_consumers(transaction, bot_id))
        ended = sa.select(off_sale.c.stage_id).where(off_sale.c.bot_id == bot_id)
        offered = sa.select(stages.c.stage_id).where(stages.c.bot_id == bot_id, stages.c.stage_id.not_in(ended))
        for stage_id in transaction.connection.execute(offered.distinct().order_by(stages.c.stage_id)).scalars():
            if not roster.names(ConsumerKind.DELIVERS, stage_id):
                yield stage_id


def _handlers(undelivered: Sequence[str]) -> Check:
    name = "ledger.handlers"
    if not undelivered:
        return ok(name, "every stage that was offered has a handler in some program")
    return warning(
        name,
        f"no program has a payment handler for: {', '.join(undelivered)}",
        "declare @neonpay.on_payment before the bot starts: lines after bot.infinity_polling() are not reached while it runs",
    )


def _elsewhere(count: int) -> Check:
    name = "ledger.other_ledger"
    if not count:
        return ok(name, "no payment was sold by another ledger")
    return problem(
        name,
        f"{count} {'payment was' if count == 1 else 'payments were'} sold by another ledger, and delivered there most likely",
        "do not refund them; give the bot that ledger's URL: create_neonpay(bot, database_url=...) or NEONPAY_DATABASE_URL",
    )


def _none_of(name: str, count: int, subject: tuple[str, str], what: str, advice: str) -> Check:
    one, several = subject
    if not count:
        return ok(name, f"no {one} {what}")
    return warning(name, f"{count} {one if count == 1 else several} {what}", advice)


def _halves(error: Exception, advice: str) -> tuple[str, str]:
    """An error's message as what is and what to do, which it separates by a semicolon."""
    finding, _, own_advice = " ".join(str(error).split()).partition("; ")
    return finding, own_advice or advice

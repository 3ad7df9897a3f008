"""How commands reach the ledger of a bot, and Telegram, and how they say that they could not."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Concatenate, ParamSpec, TypeVar

import typer

from neonpay.cli.exit_codes import COULD_NOT
from neonpay.cli.pointing import PROGRAM_API_VARIABLE, PROGRAM_TOKEN_VARIABLE
from neonpay.cli.speaking import TOKEN_VARIABLE, WithoutToken, adapter_for
from neonpay.cli.typed import TypedBot, TypedUser, bot_typed, moment_typed, user_typed
from neonpay.core.ports import Adapter
from neonpay.core.roles import Role
from neonpay.errors import ConfigurationError, LedgerError, NeonPayError, TelegramUnreachableError

if TYPE_CHECKING:
    from neonpay.analytics.namespace import Reports
    from neonpay.app import NeonPayCore
    from neonpay.app.settings import CoreSettings
    from neonpay.core.namespaces import Awaiting
    from neonpay.ledger import Transaction

P = ParamSpec("P")
T = TypeVar("T")

BOT_VARIABLE = "NEONPAY_BOT_ID"
DATABASE_VARIABLE = "NEONPAY_DATABASE_URL"
SECRET_VARIABLE = "NEONPAY_SECRET"  # noqa: S105  # the same

DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        help=f"URL of the ledger; {DATABASE_VARIABLE} or neonpay.toml, else sqlite:///neonpay.db when left out. "
        "Give one with a password by the variable or the file.",
    ),
]
BotOption = Annotated[
    TypedBot | None,
    typer.Option(
        "--bot",
        "--bot-id",
        parser=bot_typed,
        metavar="BOT",
        help=f"The bot, by id or @username; {BOT_VARIABLE}, neonpay.toml or the token's when left out. "
        "Not needed when the ledger has one.",
    ),
]
AllBotsOption = Annotated[
    bool,
    typer.Option(
        "--all-bots", help="All bots of the ledger, whatever else names one; so it is when the ledger has several."
    ),
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option("--token-file", help=f"File with the bot's token; {TOKEN_VARIABLE} or neonpay.toml when left out."),
]
ApiOption = Annotated[
    str | None,
    typer.Option(
        "--api-url",
        help="Address of a Bot API server of your own, or of a simulator; NEONPAY_API_URL or neonpay.toml when left out.",
    ),
]
UserOption = Annotated[
    TypedUser | None,
    typer.Option(parser=user_typed, help="Only this user, by id or as @username.", metavar="USER"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SinceOption = Annotated[
    datetime | None,
    typer.Option(parser=moment_typed, help="Not before this time, in UTC: 2026-11, 2026-11-28 …", metavar="TIME"),
]
UntilOption = Annotated[
    datetime | None, typer.Option(parser=moment_typed, help="Before this time, in UTC.", metavar="TIME")
]


@dataclass(frozen=True, slots=True)
class Where:
    """What a command was told about the shop.

    Attributes:
        bot_name: the bot's username where it was named by that; the ledger says which bot it is.
        token: of the bot, when the command may speak with Telegram.
        api_url: of the Bot API server; Telegram's own when None.
        test_environment: whether the bot lives in Telegram's test environment.
    """

    database_url: str = field(repr=False)
    bot_id: int | None
    token: str | None = field(default=None, repr=False)
    api_url: str | None = None
    test_environment: bool = False
    bot_name: str = ""


def where(
    database: str | None, bot: TypedBot | None, *, token_file: Path | None = None, api_url: str | None = None
) -> Where:
    """What the options, the environment and ``neonpay.toml`` say.

    Raises:
        ConfigurationError: a setting is wrong, the token file cannot be read, or the token is another bot's.
    """
    core = core_settings(database, api_url)
    return with_token(core, bot, token_file=token_file)


def where_to_read(database: str | None, bot: TypedBot | None, *, all_bots: bool = False) -> Where:
    """The same for a command that only reads the ledger: it needs no token, and may be about all bots.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    core = core_settings(database, None)
    if all_bots:
        return Where(core.database_url, None)
    if bot is not None:
        return Where(core.database_url, bot.bot_id, bot_name=bot.username)
    return Where(core.database_url, core.bot_id or _owner(core.bot_token or ""))


def core_settings(database: str | None, api_url: str | None) -> CoreSettings:
    """``[neonpay]`` as a command has it; raises ConfigurationError when a setting is wrong.

    The token and the address that nothing of neonpay's says are those that the program beside it reads.
    """
    import msgspec

    from neonpay.app.settings import CoreSettings, refuse_mistyped_sections
    from neonpay.settings import LEFT_OUT, Sources

    if database:
        database = as_url(database, "--database", option="--database ")
    arguments = {"database_url": database or LEFT_OUT, "api_url": api_url or LEFT_OUT}
    sources = Sources()
    core = sources.settings_of(CoreSettings, "neonpay", arguments)
    refuse_mistyped_sections(sources)
    sources.warn()
    return msgspec.structs.replace(
        core,
        bot_token=core.bot_token or os.environ.get(PROGRAM_TOKEN_VARIABLE) or None,
        api_url=core.api_url or os.environ.get(PROGRAM_API_VARIABLE) or None,
    )


def as_url(given: str, what: str, *, option: str = "") -> str:
    """What was given for the URL of a database; raises ConfigurationError when it is the name of a file."""
    if not {":", "@"} & set(given):  # what has one may have a password in it, and is not shown
        msg = f"{what} is a URL; for a file write {option}sqlite:///{given}"
        raise ConfigurationError(msg)
    return given


def with_token(core: CoreSettings, bot: TypedBot | None, *, token_file: Path | None = None) -> Where:
    """The shop of these settings, with the bot's token if one is there.

    Raises:
        ConfigurationError: the token file cannot be read, or the token is another bot's.
    """
    token = core.bot_token
    if token_file is not None:
        try:
            token = token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as exc:
            msg = f"cannot read the token file {token_file}: {exc.strerror if isinstance(exc, OSError) else 'not text'}"
            raise ConfigurationError(msg) from exc
    said = "--bot says" if bot is not None else f"{BOT_VARIABLE} or bot_id in neonpay.toml says"
    bot_id = core.bot_id if bot is None else bot.bot_id
    if token is not None:
        owner = _owner(token)
        if owner is None:
            msg = "the bot's token must be <bot id>:<secret>, as @BotFather gives it"
            raise ConfigurationError(msg)
        if bot_id is not None and bot_id != owner:
            msg = f"the token is that of bot {owner}, and {said} {bot_id}"
            raise ConfigurationError(msg)
        bot_id = owner
    name = "" if bot is None else bot.username
    return Where(core.database_url, bot_id, token, core.api_url, core.test_environment, name)


def _owner(token: str) -> int | None:
    """The bot of a token."""
    owner = token.partition(":")[0]
    return int(owner) if owner.isdecimal() else None


def run_in_shop(at: Where, work: Callable[[NeonPayCore], Awaitable[T]], *, only_reads: bool = False) -> T:
    """What the work returns, done on the ledger of a bot by a program that has no handlers; the bot may run meanwhile.

    Args:
        only_reads: the work changes nothing, and speaks with nobody.

    Raises:
        ConfigurationError, NeonPayError: whatever is in the way.
    """
    with _places_named(at):
        return asyncio.run(_in_shop(at, work, only_reads=only_reads))


async def _in_shop(at: Where, work: Callable[[NeonPayCore], Awaitable[T]], *, only_reads: bool) -> T:
    from neonpay.app import NeonPayCore
    from neonpay.payments.settings import Settings

    bot_id = await _read(at, only_bot)
    adapter = WithoutToken(bot_id) if only_reads else _adapter(at, bot_id)
    settings = Settings(is_tool=True, role=Role.READS if only_reads else Role.DELIVERS)
    try:
        async with NeonPayCore(adapter, database_url=at.database_url, settings=settings) as shop:
            return await work(shop)
    finally:
        await adapter.close()


def run_in_shops(
    at: Where,
    work: Callable[[Sequence[NeonPayCore]], Awaitable[T]],
    *,
    all_bots: bool,
    admins: Sequence[int] = (),
) -> T:
    """The same for several bots of a ledger at once, of which the one whose token is there may speak with Telegram.

    Where the ledger has no bot yet, the work is given none.

    Args:
        all_bots: all bots of the ledger, whoever the token is of; the bot whose it is comes first.
        admins: user ids of those who own the shop.
    """
    with _places_named(at):
        return asyncio.run(_in_shops(at, work, all_bots=all_bots, admins=admins))


async def _in_shops(
    at: Where, work: Callable[[Sequence[NeonPayCore]], Awaitable[T]], *, all_bots: bool, admins: Sequence[int]
) -> T:
    from neonpay.app import NeonPayCore
    from neonpay.payments.settings import Settings

    meant = await _read(replace(at, bot_id=None, bot_name="") if all_bots else at, lambda _, known: known)
    speaks = _owner(at.token or "")
    shops: list[NeonPayCore] = []
    async with AsyncExitStack() as stack:
        for bot_id in sorted(meant, key=lambda bot_id: (bot_id != speaks, bot_id)):
            adapter = _adapter(at if bot_id == speaks else replace(at, token=None), bot_id)
            stack.push_async_callback(adapter.close)
            shop = NeonPayCore(adapter, database_url=at.database_url, settings=Settings(is_tool=True), admins=admins)
            shops.append(await stack.enter_async_context(shop))
        return await work(shops)


def change_ledger(
    database_url: str, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """What a unit of work returned that changes the ledger, whichever bot; raises NeonPayError for what is in the way."""

    async def change() -> T:
        from neonpay.ledger import open_ledger

        ledger = open_ledger(database_url, as_it_is=True)
        try:
            return await ledger.run(unit, *args, **kwargs)
        finally:
            await ledger.close()

    with _places_named(Where(database_url, None)):
        return asyncio.run(change())


def _adapter(at: Where, bot_id: int) -> Adapter:
    return adapter_for(bot_id, at.token, at.api_url, test_environment=at.test_environment)


def read_ledger(at: Where, work: Callable[[Transaction, list[int]], T]) -> T:
    """What a unit of work reads, which is given the bots that are meant: the one that was named, or all.

    Raises:
        ConfigurationError: the ledger does not have the bot.
        NeonPayError: whatever else is in the way.
    """
    with _places_named(at):
        return asyncio.run(_read(at, work))


async def _read(at: Where, work: Callable[[Transaction, list[int]], T]) -> T:
    from neonpay.ledger import open_ledger

    ledger = open_ledger(at.database_url, as_it_is=True)
    try:
        return await ledger.read(lambda transaction: work(transaction, _meant(transaction, at)))
    finally:
        await ledger.close()


def run_reports(at: Where, work: Callable[[Reports[Awaiting], list[int]], Awaitable[T]]) -> T:
    """What the work makes of the figures of the bots that are meant, which it is given, too; nothing is written.

    Raises:
        ConfigurationError: the ledger does not have the bot, or has none.
        NeonPayError: whatever else is in the way.
    """
    with _places_named(at):
        return asyncio.run(_report(at, work))


async def _report(at: Where, work: Callable[[Reports[Awaiting], list[int]], Awaitable[T]]) -> T:
    from neonpay.analytics.namespace import reports_of
    from neonpay.ledger import open_ledger

    ledger = open_ledger(at.database_url, as_it_is=True)
    try:
        meant = await ledger.read(_meant, at)
        if not meant:
            msg = "the ledger has no bot yet; start the bot once"
            raise ConfigurationError(msg)
        return await work(reports_of(ledger, bots=meant), meant)
    finally:
        await ledger.close()


def _meant(transaction: Transaction, at: Where) -> list[int]:
    from neonpay.cli.reading.people import bot_called
    from neonpay.store.signing_keys import bots

    known = bots(transaction)
    meant = bot_called(transaction, known, at.bot_name, token_of=at.bot_id) if at.bot_name else at.bot_id
    if meant is not None and meant not in known:
        msg = f"the ledger does not have bot {meant}; it has: {_listed(known)}"
        raise ConfigurationError(msg)
    return known if meant is None else [meant]


def only_bot(transaction: Transaction, meant: list[int]) -> int:
    """The one bot that is meant; raises ConfigurationError when there are several, or none."""
    if len(meant) != 1:
        which = f"name the bot: --bot {meant[0]}, or {BOT_VARIABLE}" if meant else "start the bot once"
        msg = f"{which}; the ledger has: {_listed(meant)}"
        raise ConfigurationError(msg)
    return meant[0]


def of_bot(at: Where, bot_id: int) -> Where:
    """The same shop, for one of its bots."""
    return replace(at, bot_id=bot_id)


def _listed(bots: list[int]) -> str:
    return ", ".join(map(str, bots)) or "none"


@contextmanager
def _places_named(at: Where) -> Iterator[None]:
    """An error of the database or of Telegram says where that is, and what to type."""
    try:
        yield
    except LedgerError as error:
        from neonpay.cli.advice import about_ledger

        error.add_note(about_ledger(error, at.database_url))
        raise
    except TelegramUnreachableError as error:
        error.add_note(f"asked at {at.api_url or 'https://api.telegram.org'}; --api-url names another one")
        raise


@contextmanager
def errors_in_one_line(said: Callable[[str], str] = str) -> Iterator[None]:
    """Whatever is in the way is told in one line on standard error, and the exit code is ``COULD_NOT``.

    Args:
        said: how its words are told.
    """
    try:
        yield
    except (NeonPayError, ConfigurationError) as error:
        from neonpay.cli.columns import shown

        words = "; ".join(filter(None, (str(error), *getattr(error, "__notes__", ()))))
        typer.echo(f"neonpay: {shown(said(words))}", err=True)
        raise typer.Exit(COULD_NOT) from None
    except BrokenPipeError:
        raise  # whoever read the output has gone, and wants to hear nothing
    except OSError as error:
        typer.echo(f"neonpay: {error.strerror or error}: {error.filename or ''}".rstrip(": "), err=True)
        raise typer.Exit(COULD_NOT) from None

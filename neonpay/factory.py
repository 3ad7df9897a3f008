"""From the bot object that a developer has to an application that sells."""

from __future__ import annotations

import random
import secrets as system_secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from neonpay import adapters
from neonpay.app import NeonPayCore
from neonpay.app.calling import calling
from neonpay.app.settings import CoreSettings, refuse_mistyped_sections
from neonpay.app.starting import runs_tests
from neonpay.core.clock import Clock
from neonpay.core.roles import Role
from neonpay.errors import ConfigurationError
from neonpay.payments.settings import Settings
from neonpay.reconcile.reconciler import ReconcileRules
from neonpay.security.settings import SecuritySettings
from neonpay.settings import LEFT_OUT, LeftOut, Sources
from neonpay.store.signing_keys import derived_keys

if TYPE_CHECKING:
    import aiohttp


def create_neonpay(
    bot_instance: object,
    *,
    dispatcher: object = None,
    application: object = None,
    api_url: str | None = None,
    bot_token: str | None = None,
    session: aiohttp.ClientSession | None = None,
    timeout_s: float | None = None,
    connections: int | None = None,
    test_environment: bool | None = None,
    database_url: str | None = None,
    pool_size: int | None = None,
    secret: str | Sequence[str] | None = None,
    admins: Sequence[int] | None = None,
    thank_you_message: str | None = None,
    enable_logging: bool | None = None,
    max_stages: int | None = None,
    adapter_type: str | None = None,
    checkout_budget_s: float | None = None,
    lease_s: float | None = None,
    poll_s: float | None = None,
    grace_s: float | None = None,
    patience_s: float | None = None,
    messages_per_s: float | LeftOut | None = LEFT_OUT,
    reconcile_every_s: float | LeftOut | None = LEFT_OUT,
    reconcile_grace_s: float | None = None,
    all_invoices_are_ours: bool | None = None,
    abandoned_after_s: float | LeftOut | None = LEFT_OUT,
    keep_names: bool | None = None,
    role: Role | str | None = None,
    start_after_s: float | LeftOut | None = LEFT_OUT,
    clock: Clock | None = None,
    rng: random.Random | None = None,
    token_bytes: Callable[[int], bytes] = system_secrets.token_bytes,
) -> NeonPayCore:
    """Sell through a bot. From this call on its payments are taken care of; nothing else in the bot changes.

    What is left out comes from the environment, else from ``neonpay.toml``, else is the default that the reference of settings
    shows: ``poll_s`` is the variable ``NEONPAY_POLL_S``, and ``poll_s`` in ``[neonpay]`` of the file. Limits of users come from
    ``[security]`` until the program sets its own.

    Args:
        bot_instance: your bot. Its library is recognised by itself.
        dispatcher: aiogram's dispatcher.
        application: python-telegram-bot's application.
        api_url: address of a Bot API server that is not Telegram's own, for a bare token and for what neonpay calls past the
            library. A library's own calls go where the library was told.
        bot_token: the token, for a client of Telethon, which does not keep it, and for one of the Pyrogram family that signs in
            with a session file.
        session: what a bare token makes its calls with. It stays yours: close it after ``neonpay.close()``.
        timeout_s: seconds that a call of a bare token may take.
        connections: calls that a bare token makes at the same time; polls and answers to checkouts do not count. With a
            ``session`` its connector decides.
        test_environment: True for a bare token of a bot in Telegram's test environment.
        database_url: ``sqlite:///shop.db`` or ``postgresql://user:password@host/database``; ``sqlite:///neonpay.db``
            when nothing says another.
        pool_size: connections to PostgreSQL that this process keeps at most, eight unless the URL says otherwise.
        secret: text of 16 characters or more that signs invoices, or several, newest first. When left out, a key is made and
            kept in the database.
        admins: user ids of those who own the shop, for everything that asks or tells a person; each must have started the bot.
        thank_you_message: text that buyers get after a payment.
        enable_logging: False silences the ``neonpay`` loggers of this process.
        max_stages: most stages that may be on sale at once.
        adapter_type: name of the library, when it should not be recognised.
        checkout_budget_s: seconds after which a checkout that is not decided is declined; Telegram waits for ten.
        lease_s: seconds without a sign of life after which another worker takes a job over.
        poll_s: longest pause in seconds between two looks for due jobs.
        grace_s: seconds for which ``close()`` waits for handlers that run.
        patience_s: seconds for which a charge is tried again while the database is locked, full or away, before the
            update fails.
        reconcile_every_s: seconds between two comparisons with Telegram's list of transactions, the first of which comes at the
            start; None for none but those that ``neonpay.books.reconcile()`` makes.
        reconcile_grace_s: seconds for which the comparison leaves a payment to its update.
        all_invoices_are_ours: True when the bot makes no invoices but through neonpay; a payment of another one then needs
            attention. Otherwise it is the bot's own business.
        abandoned_after_s: seconds after which an invoice that nobody paid counts as abandoned, and the event
            ``invoice_abandoned`` says so; it can still be paid. None for never.
        keep_names: False to keep no name or username of whoever pays or asks, only the language of whoever pays; pages and
            commands then show their ids alone.
        role: what this program does in a shop of several programs. ``"delivers"``: its handlers deliver. ``"offers"``: it
            sells, refunds and decides, and runs no handler, as a panel does. ``"reads"``: it changes nothing.
        start_after_s: seconds without another declaration after which the shop opens by itself and takes up what is unfinished;
            None when it opens with the library's start or on first use alone. In a process that runs tests that is the default.
        messages_per_s: messages a second that neonpay sends for this bot in this process; Telegram allows about 30 in all.
            None sends at once and waits only when Telegram says so.
        clock, rng, token_bytes: where time, jitter and keys come from.

    Raises:
        ConfigurationError: something is missing or cannot work; the message shows the line to write.
    """
    sources = Sources()
    core = sources.settings_of(
        CoreSettings,
        "neonpay",
        {
            "api_url": api_url or LEFT_OUT,
            "bot_token": bot_token or LEFT_OUT,
            "timeout_s": _unless_none(timeout_s),
            "connections": _unless_none(connections),
            "test_environment": _unless_none(test_environment),
            "database_url": database_url or LEFT_OUT,
            "pool_size": _unless_none(pool_size),
            "secret": _unless_none(secret),
            "admins": _unless_none(admins),
            "thank_you_message": _unless_none(thank_you_message),
            "enable_logging": _unless_none(enable_logging),
            "max_stages": _unless_none(max_stages),
            "adapter_type": _unless_none(adapter_type),
            "checkout_budget_s": _unless_none(checkout_budget_s),
            "lease_s": _unless_none(lease_s),
            "poll_s": _unless_none(poll_s),
            "grace_s": _unless_none(grace_s),
            "patience_s": _unless_none(patience_s),
            "messages_per_s": messages_per_s,
            "reconcile_every_s": reconcile_every_s,
            "reconcile_grace_s": _unless_none(reconcile_grace_s),
            "all_invoices_are_ours": _unless_none(all_invoices_are_ours),
            "abandoned_after_s": abandoned_after_s,
            "keep_names": _unless_none(keep_names),
            "role": _unless_none(role),
            "start_after_s": None if start_after_s is LEFT_OUT and runs_tests() else start_after_s,
        },
    )
    security = sources.settings_of(SecuritySettings, "security")
    refuse_mistyped_sections(sources)
    spec = adapters.named(core.adapter_type) if core.adapter_type is not None else adapters.detect(bot_instance)
    if bot_token is not None and not spec.takes_token:
        msg = f"{spec.name} needs no bot_token; the bot that you pass has it"
        raise ConfigurationError(msg)
    how = calling(
        spec,
        core,
        clock=clock,
        session=session,
        timeout_s=timeout_s,
        connections=connections,
        test_environment=test_environment,
    )
    token = {"bot_token": core.bot_token} if spec.takes_token else {}
    adapter = adapters.load(spec)(
        bot_instance, dispatcher=dispatcher, application=application, api_url=core.api_url, **token, **how
    )
    neonpay = NeonPayCore(
        adapter,
        database_url=core.database_url,
        pool_size=core.pool_size,
        settings=Settings(
            thank_you_message=core.thank_you_message,
            secrets=tuple(derived_keys(core.secret)),
            checkout_budget_s=core.checkout_budget_s,
            lease_s=core.lease_s,
            poll_s=core.poll_s,
            grace_s=core.grace_s,
            patience_s=core.patience_s,
            messages_per_s=core.messages_per_s,
            abandoned_after_s=core.abandoned_after_s,
            keeps_names=core.keep_names,
            role=core.role,
            reconcile=ReconcileRules(
                every_s=core.reconcile_every_s,
                grace_s=core.reconcile_grace_s,
                all_invoices_are_ours=core.all_invoices_are_ours,
            ),
        ),
        admins=core.admins,
        max_stages=core.max_stages,
        enable_logging=core.enable_logging,
        start_after_s=core.start_after_s,
        clock=clock,
        rng=rng,
        token_bytes=token_bytes,
    )
    neonpay.security.limits = security.limits()
    sources.tell()  # not before the program's wish about logging is known
    return neonpay


def _unless_none(value: object) -> object:
    return LEFT_OUT if value is None else value

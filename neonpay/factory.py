"""From the bot object that a developer has to an application that sells."""

from __future__ import annotations

import os
import random
import secrets as system_secrets
from collections.abc import Callable, Sequence

from neonpay import adapters
from neonpay.app import DEFAULT_DATABASE_URL, NeonPayCore
from neonpay.core.checkout import CHECKOUT_BUDGET_S
from neonpay.core.clock import Clock
from neonpay.core.limits import MESSAGES_PER_S
from neonpay.core.roles import Role
from neonpay.errors import ConfigurationError
from neonpay.payments.jobs import LEASE_S
from neonpay.payments.settings import GRACE_S, PATIENCE_S, POLL_S, Settings
from neonpay.reconcile.reconciler import RECONCILE_EVERY_S, RECONCILE_GRACE_S, ReconcileRules
from neonpay.store.signing_keys import derived_keys

DATABASE_URL_VARIABLE = "NEONPAY_DATABASE_URL"
API_URL_VARIABLE = "NEONPAY_API_URL"
BOT_TOKEN_VARIABLE = "NEONPAY_BOT_TOKEN"  # noqa: S105  # the name of a variable


def create_neonpay(
    bot_instance: object,
    *,
    dispatcher: object = None,
    application: object = None,
    api_url: str | None = None,
    bot_token: str | None = None,
    database_url: str | None = None,
    secret: str | Sequence[str] | None = None,
    thank_you_message: str | None = None,
    enable_logging: bool = True,
    max_stages: int = 100,
    adapter_type: str | None = None,
    checkout_budget_s: float = CHECKOUT_BUDGET_S,
    lease_s: float = LEASE_S,
    poll_s: float = POLL_S,
    grace_s: float = GRACE_S,
    patience_s: float = PATIENCE_S,
    messages_per_s: float | None = MESSAGES_PER_S,
    reconcile_every_s: float | None = RECONCILE_EVERY_S,
    reconcile_grace_s: float = RECONCILE_GRACE_S,
    all_invoices_are_ours: bool = False,
    role: Role | str = Role.DELIVERS,
    clock: Clock | None = None,
    rng: random.Random | None = None,
    token_bytes: Callable[[int], bytes] = system_secrets.token_bytes,
) -> NeonPayCore:
    """Sell through a bot. From this call on its payments are taken care of; nothing else in the bot changes.

    Args:
        bot_instance: your bot. Its library is recognised by itself.
        dispatcher: aiogram's dispatcher.
        application: python-telegram-bot's application.
        api_url: address of a Bot API server that is not Telegram's own, for a bare token and for what neonpay calls past the
            library; when left out, the environment variable ``NEONPAY_API_URL``. A library's own calls go where the library
            was told.
        bot_token: the token, for a client of Telethon, which does not keep it, and for one of the Pyrogram family that signs in
            with a session file; when left out, the environment variable ``NEONPAY_BOT_TOKEN``.
        database_url: ``sqlite:///shop.db`` or ``postgresql://user:password@host/database``; when left out, the environment
            variable ``NEONPAY_DATABASE_URL``, else ``sqlite:///neonpay.db``.
        secret: text of 16 characters or more that signs invoices, or several, newest first. When left out, a key is made and
            kept in the database.
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
        role: what this program does in a shop of several programs. ``"delivers"``: its handlers deliver. ``"offers"``: it
            sells, refunds and decides, and runs no handler, as a panel does. ``"reads"``: it changes nothing.
        messages_per_s: messages a second that neonpay sends for this bot in this process; Telegram allows about 30 in all.
            None sends at once and waits only when Telegram says so.
        clock, rng, token_bytes: where time, jitter and keys come from.

    Raises:
        ConfigurationError: something is missing or cannot work; the message shows the line to write.
    """
    if role not in set(Role):
        msg = f"role must be one of {', '.join(repr(str(known)) for known in Role)}; got {role!r}"
        raise ConfigurationError(msg)
    if messages_per_s is not None and not messages_per_s > 0:
        msg = "messages_per_s must be above 0, or None for no limit of ours"
        raise ConfigurationError(msg)
    spec = adapters.named(adapter_type) if adapter_type is not None else adapters.detect(bot_instance)
    if bot_token is not None and not spec.takes_token:
        msg = f"{spec.name} needs no bot_token; the bot that you pass has it"
        raise ConfigurationError(msg)
    token = {"bot_token": bot_token or os.environ.get(BOT_TOKEN_VARIABLE) or None} if spec.takes_token else {}
    adapter = adapters.load(spec)(
        bot_instance,
        dispatcher=dispatcher,
        application=application,
        api_url=api_url or os.environ.get(API_URL_VARIABLE) or None,
        **token,
    )
    return NeonPayCore(
        adapter,
        database_url=database_url or os.environ.get(DATABASE_URL_VARIABLE) or DEFAULT_DATABASE_URL,
        settings=Settings(
            thank_you_message=thank_you_message,
            secrets=tuple(derived_keys(secret)),
            checkout_budget_s=checkout_budget_s,
            lease_s=lease_s,
            poll_s=poll_s,
            grace_s=grace_s,
            patience_s=patience_s,
            messages_per_s=messages_per_s,
            role=Role(role),
            reconcile=ReconcileRules(
                every_s=reconcile_every_s, grace_s=reconcile_grace_s, all_invoices_are_ours=all_invoices_are_ours
            ),
        ),
        max_stages=max_stages,
        enable_logging=enable_logging,
        clock=clock,
        rng=rng,
        token_bytes=token_bytes,
    )

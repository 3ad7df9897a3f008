"""The object that a program has."""

from __future__ import annotations

import logging
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from neonpay.app.alerting import Alerting
from neonpay.app.facade import Facade
from neonpay.app.house import House
from neonpay.app.once import Effects
from neonpay.app.own_transaction import OwnTransaction, own_transaction
from neonpay.app.receiving import Receiving
from neonpay.app.sink import Sink
from neonpay.app.starting import Starter
from neonpay.app.sync import SyncNeonPay
from neonpay.app.unfit import refuse_unfit
from neonpay.core.clock import Clock, SystemClock
from neonpay.core.jsontext import JsonValue
from neonpay.core.namespaces import Awaiting, verb
from neonpay.core.ports import Adapter, OwnLoop
from neonpay.core.roles import Role
from neonpay.core.secrecy import guard_logs, passwords_in
from neonpay.core.stages import PaymentStage
from neonpay.core.whole import is_number
from neonpay.errors import AdapterError, ConfigurationError, ValidationError
from neonpay.installing import install_line
from neonpay.payments.settings import Settings
from neonpay.settings import settings_of
from neonpay.support.desk import SupportRules
from neonpay.support.extension import Support
from neonpay.support.settings import SupportSettings

if TYPE_CHECKING:
    from neonpay.monitoring.serving import HealthServer

P = ParamSpec("P")
R = TypeVar("R", bound=JsonValue)

DEFAULT_DATABASE_URL = "sqlite:///neonpay.db"


class NeonPayCore(Facade[Awaiting], Alerting, Receiving):
    """Sells for Telegram Stars through one bot. ``create_neonpay`` makes one from the bot that you have.

    Its methods follow the life of a payment: stages say what may be sold (``create_payment_stage``), an invoice offers one
    (``send_payment``), hooks are asked at checkout (``on_pre_checkout``), handlers deliver what was paid (``on_payment``), and
    Stars go back (``refund``, ``on_refund``). What people look up and decide afterwards is in the namespaces: ``payments``,
    ``invoices``, ``refunds``, ``jobs``, ``handlers``, ``subscriptions``, ``people``, ``books``, ``security``, and figures in
    ``reports`` and ``tracking``. How this process is at work is at ``program``. Bots without an event loop have all that is
    awaited at ``sync``.

    The ledger opens by itself once the program has declared what it sells, with the host library's start-up, with ``setup()``,
    ``async with``, or the first call that needs it, and closes with the host's shutdown or ``close()``.

    Args:
        adapter: the bot library.
        database_url: where payments are kept; ``sqlite:///neonpay.db`` when left out.
        pool_size: connections to PostgreSQL that the process keeps at most; what the URL says, else eight, when left out.
        settings: how payments are handled.
        admins: user ids of those who own the shop.
        max_stages: most stages that may be on sale at once.
        enable_logging: False silences the ``neonpay`` loggers of this process.
        start_after_s: seconds without a declaration after which the shop opens by itself; None when it opens on first use.
        clock, rng, token_bytes: where time, jitter and keys come from.
    """

    def __init__(
        self,
        adapter: Adapter,
        *,
        database_url: str = DEFAULT_DATABASE_URL,
        pool_size: int | None = None,
        settings: Settings | None = None,
        admins: Sequence[int] = (),
        max_stages: int = 100,
        enable_logging: bool = True,
        start_after_s: float | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        token_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        guard_logs(passwords_in(database_url))
        if not enable_logging:
            logging.getLogger("neonpay").setLevel(logging.CRITICAL + 1)
        refuse_unfit()
        self._admins = tuple(admins)
        house = House(
            adapter,
            database_url=database_url,
            pool_size=pool_size,
            settings=settings or Settings(),
            max_stages=max_stages,
            clock=clock or SystemClock(),
            rng=rng or random.SystemRandom(),
            token_bytes=token_bytes,
        )
        self._effects = Effects(house.opened_ledger, adapter.bot_id, house.new_token)
        own_loop = adapter if isinstance(adapter, OwnLoop) else None
        super().__init__(Awaiting(house, own_loop), house)
        if house.settings.role is Role.READS:
            return
        sink = Sink(self._mode, house)
        adapter.attach(sink)
        if start_after_s is not None and house.settings.takes_up_work:
            house.starter = Starter(sink.open, lambda: house.pipeline.is_open, own_loop, after_s=start_after_s)

    # What is sold

    def create_payment_stage(self, stage_id: str, stage: PaymentStage) -> PaymentStage:
        """Put a stage on sale under an id of 1–64 bytes.

        Raises:
            ValidationError: the id cannot name a stage.
            StageExistsError: the id is taken.
            StageLimitError: there are ``max_stages`` already.
        """
        return self._house.stages.create(stage_id, stage)

    def replace_payment_stage(self, stage_id: str, stage: PaymentStage) -> PaymentStage:
        """Sell another version of a stage from now on; unpaid invoices keep the price they were made with.

        Raises:
            StageNotFoundError: no stage has this id.
        """
        return self._house.stages.replace(stage_id, stage)

    def get_payment_stage(self, stage_id: str) -> PaymentStage | None:
        """The stage on sale under an id, or None."""
        return self._house.stages.find(stage_id)

    def list_payment_stages(self) -> dict[str, PaymentStage]:
        """Every stage on sale, by id; a copy."""
        return dict(self._house.stages.list())

    def remove_payment_stage(self, stage_id: str) -> PaymentStage:
        """Take a stage off sale and return it; its unpaid invoices are declined at checkout, in all programs of the shop.

        Other programs know of it a moment later. A program that creates the stage again puts it on sale again.

        Raises:
            StageNotFoundError: no stage has this id.
        """
        return self._house.stages.remove(stage_id)

    # The life of the application

    @verb
    async def close(self) -> None:
        """Finish or release what runs and close the ledger; safe to call again. ``setup()`` opens it anew.

        Queued invoices whose turn comes while running handlers have time to finish are sent, the others fail with an event.
        """
        await self._house.close()

    async def __aenter__(self) -> Self:
        await self.setup()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def sync(self) -> SyncNeonPay:
        """The methods that are awaited, as methods that wait.

        Raises:
            AdapterError: the bot's library has an event loop, on which they are awaited.
        """
        adapter = self._house.adapter
        if not isinstance(adapter, OwnLoop):
            msg = (
                f"neonpay.sync is for bots without an event loop; with {adapter.library} await the method itself, "
                "as in: await neonpay.send_payment(...)"
            )
            raise AdapterError(msg)
        return SyncNeonPay(self._mode, self._house, adapter)

    def enable_support(
        self,
        *,
        admins: Sequence[int] | None = None,
        terms: str | Mapping[str, str] | None = None,
        contact: str | Mapping[str, str] | None = None,
        admin_language: str | None = None,
    ) -> None:
        """Answer /paysupport in private chats from now on, and /terms and /support when their texts are given.

        /paysupport lists the buyer's payments, takes a request, and applies the refund policy of the stage; where that says
        so, every admin gets the request with buttons to approve or refuse it. Buyers read Russian when their Telegram does,
        and English otherwise. Telegram requires /paysupport of bots that sell for Stars
        (https://telegram.org/tos/bot-developers, section 6.2, read 2026-11-20). Call it before the bot starts.
        What is left out comes from the environment or from ``[support]`` in ``neonpay.toml``.

        Args:
            admins: user ids of those who decide; each must have started the bot. Those of ``create_neonpay`` when left out.
            terms: answer to /terms: one text, or texts by language code, the first of which is for all other languages.
            contact: answer to /support, also shown under /paysupport.
            admin_language: ``en`` or ``ru``, for what the admins read; ``en`` when nothing says another.

        Raises:
            ConfigurationError: it was called before, an admin is no user id, or a setting is wrong.
            AdapterError: the bot's library cannot hand over commands.
        """
        if self._house.extensions.find(Support.name) is not None:
            msg = "enable_support was called before; call it once with all its texts"
            raise ConfigurationError(msg)
        if admins is not None and not all(_is_user_id(admin) for admin in admins):
            msg = f"admins are user ids such as 123456789; got {list(admins)!r}"
            raise ConfigurationError(msg)
        given = {"admins": admins, "terms": terms, "contact": contact, "admin_language": admin_language}
        said = {
            name: dict(value) if isinstance(value, Mapping) else value
            for name, value in given.items()
            if value is not None
        }
        rules = settings_of(SupportSettings, "support", arguments=said)
        self.use(
            Support(
                SupportRules(
                    admins=rules.admins or (self._admins if admins is None else ()),
                    terms=rules.terms,
                    contact=rules.contact,
                    admin_language=rules.admin_language,
                )
            )
        )

    # What a program keeps itself

    def once(
        self, key: str | Callable[..., str], *, patience_s: float = 30.0
    ) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Coroutine[Any, Any, R]]]:
        """Decorate an ``async def`` of your own: under one key it is done once per ledger and bot, in all programs.

        Its result, which must be JSON, is remembered, and later calls get it. Whoever calls while another one is at it waits.
        When it raises, nothing is remembered and the next call begins anew. A program that is killed in it may have done
        it or not: its lease ends after 30 seconds, and the next call begins anew, so give services an idempotency key, such as
        this one, where they take one.

        Args:
            key: names the effect, or makes its name of the arguments.
            patience_s: longest wait for another one who is at it.

        Raises:
            BusyError: (the call) another one is at it still; nothing was done.
            TypeError: (the call) the result is not JSON; it was done and will be done again.
            LeaseLostError: (the call) it showed no sign of life for 30 seconds, and another program began it too.
        """
        return self._effects.once(key, patience_s)

    @asynccontextmanager
    async def transaction(self, *, limit_s: float = 5.0) -> AsyncIterator[OwnTransaction]:
        """One transaction of the ledger's database for tables of your own: kept when the block ends, undone when it raises.

        On SQLite nothing else is written meanwhile, payments included, so a block must be short and must await nothing but the
        connection: anything of neonpay that writes would wait for the block itself until ``limit_s`` is over.

        Args:
            limit_s: after so many seconds, above 0, the transaction is undone. Whoever is cancelled when the block has ended
                waits until it is known what has become of it, and is then cancelled, kept or not.

        Raises:
            LedgerLockedError: the block took longer; nothing was kept.
            TransactionEndedError: the database has undone it, or the answer to its COMMIT was lost; run the block again after
                a look.
            LedgerError: the database did not do what was asked; nothing was kept.
        """
        if not is_number(limit_s) or limit_s <= 0:
            raise ValidationError("limit_s", limit_s, "seconds, above 0")
        ledger = await self._house.opened_ledger()
        async with own_transaction(ledger, limit_s=limit_s) as connection:
            yield connection

    # How it is

    def get_stats(self) -> dict[str, int | str | bool]:
        """What this process is doing, without a look at the database.

        ``loops_alive`` and ``loops_failing`` count ``program.loops``; while the ledger is open, ``loops_alive`` falling below
        what it was or ``loops_failing`` staying above 0 is an alarm. ``open_circuits`` counts ``program.open_circuits``.
        """
        loops = self._house.pipeline.loops
        return {
            "total_stages": len(self._house.stages),
            "registered_callbacks": len(self._house.handlers),
            "registered_listeners": len(self._house.listeners),
            "running_handlers": len(self._house.pipeline.fulfilment.held),
            "library": self._house.adapter.library,
            "level": str(self._house.adapter.capabilities.level),
            "bot_id": self._house.adapter.bot_id,
            "is_open": self._house.pipeline.is_open,
            "loops_alive": sum(loop.is_alive for loop in loops),
            "loops_failing": sum(loop.failures > 0 for loop in loops),
            "open_circuits": len(self.program.open_circuits),
            **self.program.soft_events,
        }

    @property
    def admins(self) -> tuple[int, ...]:
        """User ids of those who own the shop."""
        return self._admins

    def serve_health(self, *, host: str = "127.0.0.1", port: int = 9100) -> HealthServer:
        """A server of ``/metrics``, ``/readyz`` and ``/healthz`` in this process; await it, or enter it with ``async with``.

        Who may read what of them, and when a shop is not ready, ``[monitoring]`` says. It needs the extra ``metrics``.

        Args:
            host: address to listen on. From other machines ``/metrics`` wants the token of the settings.
            port: 0 picks a free one.

        Raises:
            ConfigurationError: aiohttp or prometheus-client is not installed, or a setting is wrong; when it is awaited, nobody
                can listen there.
        """
        try:
            from neonpay.monitoring.routes import require_metrics
            from neonpay.monitoring.serving import HealthServer
        except ModuleNotFoundError as error:
            if error.name != "aiohttp":
                raise
            msg = f"serve_health needs aiohttp; run: {install_line('metrics')}"
            raise ConfigurationError(msg) from error
        from neonpay.monitoring.settings import MonitoringSettings

        require_metrics()
        return HealthServer(self.program, settings_of(MonitoringSettings, "monitoring"), host=host, port=port)

    def __repr__(self) -> str:
        adapter = self._house.adapter
        return f"<{type(self).__name__} of bot {adapter.bot_id} on {adapter.library}>"


def _is_user_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0

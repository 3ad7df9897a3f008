"""A shop that uses the extension under test: any number of programs on one database, and a Telegram of its own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Final

import sqlalchemy as sa

from neonpay import NeonPayCore, PaymentResult, PaymentStage, create_neonpay
from neonpay.core.job_states import JobState
from neonpay.core.jsontext import JsonValue
from neonpay.ledger import Transaction
from neonpay.ledger.migrate import VERSION_TABLE
from neonpay.ledger.table_kit import metadata
from neonpay.ledger.tables import events, payments
from neonpay.payments.extending.lending import lend
from neonpay.payments.extension import Extension, Host, Lent, SendBack, Settlement, overrides
from neonpay.simulator import BotAccount, Buyer, Outcome, Simulator
from neonpay.store.payment_rows import lock_payment
from neonpay.store.stage_versions import Catalogue
from neonpay.testing.adapter_host import Noted
from neonpay.testing.hosting import SimulatedClock

PATIENCE_S: Final = 20
STAGE_ID: Final = "suite"
_LEASES_END_S: Final = 300
_UNFINISHED: Final = {JobState.READY, JobState.LEASED, JobState.HELD, JobState.DEAD}
_OURS: Final = {*metadata.tables, VERSION_TABLE}
_QUIET: Final[Mapping[str, Any]] = {"poll_s": 0.01, "messages_per_s": None, "reconcile_every_s": None}


class Withheld(Exception):  # noqa: N818  # what the suite raises in the place of an extension
    """What an extension needs cannot be reached."""


class Undone(Exception):  # noqa: N818  # what a unit of the suite raises to be rolled back
    """The unit was not kept."""


class Program:
    """One program of the shop.

    Attributes:
        settled: the state in which the extension was shown each payment last, once it had returned.
        withholds: whether ``settle`` raises when it has done its work, so that nothing of it is kept.
        delivered: charges that the shop's own handler has delivered here.
    """

    def __init__(self, neonpay: NeonPayCore, extension: Extension | None) -> None:
        self.neonpay = neonpay
        self.extension = extension
        self.settled: dict[str, str] = {}
        self.withholds = False
        self._host: Host | None = None
        self.delivered: Noted[str] = Noted()
        neonpay.create_payment_stage(STAGE_ID, PaymentStage(title="Suite", description="For the suite", price=50))
        neonpay.on_payment(name="deliver")(self._deliver)
        if extension is not None:
            self._settle = extension.settle
            if overrides(extension, "settle"):
                setattr(extension, "settle", self._watched)  # noqa: B010  # the hook of one object, which is what is asked
            self._running = extension.running
            if overrides(extension, "running"):
                setattr(extension, "running", self._enters)  # noqa: B010
            neonpay.use(extension)

    def _enters(self, host: Host) -> AbstractAsyncContextManager[None]:
        self._host = host
        return self._running(host)

    @asynccontextmanager
    async def entered_again(self) -> AsyncIterator[None]:
        """What the extension runs is entered once more, as after an event loop that died; not left before the block ends."""
        async with AsyncExitStack() as entered:
            if self._host is not None:
                await entered.enter_async_context(self._running(self._host))
            yield

    async def dies(self) -> None:
        """From now on nothing that this program does reaches the database, and nothing of it is left in order."""
        await self.neonpay.program.pipeline.ledger.close()

    async def _deliver(self, result: PaymentResult) -> None:
        self.delivered.add(str(result.transaction_id))

    def _watched(self, transaction: Lent, settlements: Sequence[Settlement]) -> Mapping[str, SendBack]:
        verdicts = self._settle(transaction, settlements)
        if self.withholds:
            raise Withheld
        self.settled |= {one.payment.charge_id: one.payment.state.value for one in settlements}
        return verdicts

    async def shows(
        self, charge_ids: Sequence[str], *, is_new: bool = False, is_undone: bool = False
    ) -> dict[str, str]:
        """Show the extension these payments in one unit, as they are now; what it sends back, by charge id."""
        if self.extension is None or not overrides(self.extension, "settle"):
            return {}
        pipeline, extension = self.neonpay.program.pipeline, self.extension

        def unit(transaction: Transaction) -> dict[str, str]:
            catalogue, found = Catalogue(pipeline.adapter.bot_id), {}
            for charge_id in sorted(charge_ids):
                found[charge_id] = lock_payment(transaction, catalogue, pipeline.adapter.bot_id, charge_id)
            shown = [
                Settlement(payment=known[0], event_id=known[1], is_new=is_new)
                for charge_id in charge_ids
                if (known := found[charge_id]) is not None
            ]
            verdicts, _ = lend(transaction, extension, lambda lent: self._settle(lent, shown))
            if is_undone:
                raise Undone
            return {charge_id: verdict.words for charge_id, verdict in verdicts.items()}

        try:
            return await pipeline.ledger.run(unit)
        except Undone:
            return {}

    async def asks(self, hook: Callable[[Lent], Any]) -> Any:
        """What a hook returned, asked in a unit of its own."""
        extension = self.extension
        assert extension is not None, "a program without the extension has no hook"
        return await self.neonpay.program.pipeline.ledger.run(lambda transaction: lend(transaction, extension, hook)[0])


class ExtensionShop:
    """Programs of one bot on one database. What is random in Telegram is the same in every shop: people, charges, time."""

    def __init__(
        self,
        telegram: Simulator,
        account: BotAccount,
        database_url: str,
        make: Callable[[], Extension],
        payload: Mapping[str, JsonValue],
    ) -> None:
        self.telegram = telegram
        self.account = account
        self._database_url = database_url
        self._make = make
        self._payload = dict(payload)
        self._programs: list[Program] = []

    def program(self, *, has_it: bool = True) -> Program:
        """Another program, not opened yet, with an extension object of its own or without one."""
        neonpay = create_neonpay(
            self.account.token,
            api_url=self.telegram.base_url,
            database_url=self._database_url,
            clock=SimulatedClock(self.telegram.clock),
            **_QUIET,
        )
        self._programs.append(Program(neonpay, self._make() if has_it else None))
        return self._programs[-1]

    async def opened(self, *, has_it: bool = True, withholds: bool = False) -> Program:
        """Another program that is at work."""
        program = self.program(has_it=has_it)
        program.withholds = withholds
        await program.neonpay.setup()
        return program

    async def close(self) -> None:
        """Close every program."""
        for program in self._programs:
            await program.neonpay.close()

    @asynccontextmanager
    async def receiving(self, program: Program) -> AsyncIterator[None]:
        """Inside the block, a program gets the updates of the bot."""

        async def feed(update: Mapping[str, Any]) -> None:
            await program.neonpay.process_update(update)

        async with self.telegram.feeding(self.account, feed):
            yield

    async def visitor(self) -> Buyer:
        """Somebody who has written to the bot."""
        visitor = self.telegram.user(f"Buyer {len(self.telegram.users())}", stars=1000)
        await visitor.says("/start", to=self.account)
        return visitor

    async def pays(self, buyer: Buyer, offered_by: Program) -> Outcome:
        """One program makes an invoice, and a buyer pays it; what happens then is up to whoever receives."""
        made = await offered_by.neonpay.create_payment_link(STAGE_ID, user_id=buyer.id, payload=self._payload)
        return await buyer.pays(made.link or "")

    async def sells(self, program: Program, count: int = 1) -> list[str]:
        """As many people buy from a program; the charges, which are recorded and delivered."""
        charge_ids: list[str] = []
        async with self.receiving(program):
            for _ in range(count):
                outcome = await self.pays(await self.visitor(), program)
                assert outcome.status == "paid", f"the extension keeps the suite from selling: {outcome}"
                await self.telegram.idle(self.account)
                charge_ids.append(outcome.charge_id or "")
        await program.neonpay.program.drain()
        return charge_ids

    async def sold(self, count: int = 1) -> tuple[Program, list[str]]:
        """A program that has sold, whose extension has not been able to settle anything of it."""
        program = await self.opened(withholds=True)
        return program, await self.sells(program, count)

    async def passes(self, program: Program, charge_ids: Sequence[str]) -> None:
        """Let time pass until every job of these payments is done."""
        async with asyncio.timeout(PATIENCE_S):
            for charge_id in charge_ids:
                while unfinished := await self._unfinished(program, charge_id):
                    assert JobState.DEAD not in unfinished.values(), f"nobody tries again: {unfinished}"
                    if JobState.LEASED not in unfinished.values():
                        await self.telegram.advance(5)  # what runs must not lose its lease to the clock of the test
                    await asyncio.sleep(0)

    async def _unfinished(self, program: Program, charge_id: str) -> dict[str, str]:
        jobs = await program.neonpay.jobs.of(charge_id)
        return {job.consumer: job.state for job in jobs if job.state in _UNFINISHED}

    async def outlives_leases(self) -> None:
        """Let so much time pass that whatever somebody leased is anybody's."""
        await self.telegram.advance(_LEASES_END_S)

    async def events(self, program: Program) -> int:
        """How many facts the ledger holds."""

        def count(transaction: Transaction) -> int:
            return int(transaction.connection.execute(sa.select(sa.func.count()).select_from(events)).scalar_one())

        return await program.neonpay.program.pipeline.ledger.read(count)


def rows_of(connection: sa.Connection) -> object:
    """All rows of all tables that are not neonpay's own, with ids that are made at random called after their charges."""
    select = sa.select(payments.c.event_id, payments.c.invoice_id, payments.c.charge_id)
    names: dict[str, str] = {}
    for event_id, invoice_id, charge_id in connection.execute(select):
        names |= {event_id: f"event of {charge_id}", invoice_id or "": f"invoice of {charge_id}"}
    found: dict[str, list[str]] = {}
    for table in sa.inspect(connection).get_table_names():
        if table in _OURS:
            continue
        rows = connection.execute(sa.select(sa.text("*")).select_from(sa.table(table)))
        found[table] = sorted(_renamed(repr(tuple(row)), names) for row in rows)
    return found


def _renamed(text: str, names: Mapping[str, str]) -> str:
    return re.sub(r"[\w-]{16,}", lambda match: names.get(match.group(), match.group()), text)

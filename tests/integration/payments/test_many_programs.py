"""A shop is several programs: whoever records a payment or a refund, the program that has the handler delivers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay import PaymentResult, RefundPolicy, RefundRefused
from neonpay.errors import ConfigurationError, ConsumerNotFoundError, LedgerReadOnlyError, NoLedgerError, PaymentError
from neonpay.ledger import Transaction
from neonpay.ledger.tables import jobs
from neonpay.payments.delivery.unclaimed import LOOK_EVERY_S
from tests.integration.conftest import VIP
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from neonpay.simulator import Outcome
    from tests.integration.conftest import MovableClock, Shop


def notes(shop: Shop, name: str = "deliver", **options: object) -> list[str | None]:
    """Charges that a handler of this name was called for."""
    told: list[str | None] = []

    @shop.neonpay.on_payment(name=name, **options)
    async def note(result: PaymentResult) -> None:
        told.append(result.transaction_id)

    return told


def notes_revocations(shop: Shop) -> list[str | None]:
    told: list[str | None] = []

    @shop.neonpay.on_refund(name="revoke")
    async def note(result: PaymentResult) -> None:
        told.append(result.transaction_id)

    return told


async def states(shop: Shop, outcome: Outcome) -> dict[str, str]:
    return {job.consumer: job.state for job in await shop.neonpay.jobs.of(outcome.charge_id or "")}


async def test_a_payment_that_a_back_end_records_is_delivered_by_the_bot(open_shop: Callable[..., Shop]) -> None:
    bot, back_end = open_shop(), open_shop()
    told = notes(bot)
    async with bot.neonpay, back_end.polling():
        outcome = await back_end.sells(await back_end.visitor())
        await bot.delivers(outcome)
    assert told == [outcome.charge_id]
    assert bot.named("payment_needs_attention") == back_end.named("payment_needs_attention") == []


async def test_a_payment_that_one_program_records_is_delivered_by_the_handlers_of_all(
    open_shop: Callable[..., Shop],
) -> None:
    bot, mailer = open_shop(), open_shop()
    granted, mailed = notes(bot, "grant"), notes(mailer, "mail")
    async with mailer.neonpay, bot.polling():
        outcome = await bot.sells(await bot.visitor())
        await bot.delivers(outcome)
        assert await states(bot, outcome) == {"handler:grant": "done", "handler:mail": "done"}
    assert granted == mailed == [outcome.charge_id]


async def test_a_panel_that_refunds_has_the_bot_revoke(open_shop: Callable[..., Shop]) -> None:
    bot, panel = open_shop(), open_shop(role="offers")
    notes(bot)
    revoked = notes_revocations(bot)
    async with bot.polling(), panel.neonpay:
        outcome = await bot.sells(await bot.visitor())
        await panel.neonpay.refund(outcome.charge_id or "")
        await bot.delivers(outcome)
        assert (await states(bot, outcome))["on_refund:revoke"] == "done"
    assert revoked == [outcome.charge_id]


async def test_a_program_that_only_offers_runs_no_handler_that_it_has_imported(open_shop: Callable[..., Shop]) -> None:
    bot, panel = open_shop(), open_shop(role="offers", thank_you_message="Thank you!")
    told, never = notes(bot), notes(panel)
    async with bot.neonpay, panel.polling():
        outcome = await panel.sells(await panel.visitor())
        await bot.delivers(outcome)
        assert await states(bot, outcome) == {"handler:deliver": "done"}
    assert (told, never) == ([outcome.charge_id], [])


async def test_a_handler_that_is_declared_while_the_shop_runs_takes_the_next_payment(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    bot, back_end = open_shop(), open_shop()
    first = notes(bot, "first")
    async with bot.neonpay, back_end.polling():
        ann = await back_end.visitor()
        before = await back_end.sells(ann)
        await bot.delivers(before)
        clock.advance(1)
        second = notes(bot, "second")
        await bot.neonpay.program.pipeline.presence.catch_up()
        after = await back_end.sells(ann)
        for outcome in (before, after):
            await bot.delivers(outcome)
    assert first == [before.charge_id, after.charge_id]
    assert second == [after.charge_id], "what was paid before a handler was there is not its to deliver"


async def test_handlers_that_are_imported_after_the_first_payment_deliver_it(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    bot = open_shop()
    async with bot.polling():
        outcome = await bot.sells(await bot.visitor())
        clock.advance(1)
        assert list(await states(bot, outcome)) == ["neonpay:plan"]
        told = notes(bot)
        await bot.neonpay.program.pipeline.presence.catch_up()
        clock.advance(LOOK_EVERY_S)
        await bot.delivers(outcome)
        assert (await states(bot, outcome))["handler:deliver"] == "done"
    assert told == [outcome.charge_id]
    assert bot.named("payment_needs_attention") == []


async def test_a_payment_that_a_stage_of_another_program_sold_is_delivered_there(
    open_shop: Callable[..., Shop],
) -> None:
    vip, posters = open_shop(), open_shop()
    told = notes(vip, "vip", stage="vip")
    never = notes(posters, "poster", stage="poster")
    async with vip.neonpay, posters.polling():
        outcome = await posters.sells(await posters.visitor())
        await vip.delivers(outcome)
    assert (told, never) == ([outcome.charge_id], [])


async def test_a_renamed_handler_takes_over_what_waits_for_its_old_name(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    before = open_shop()

    @before.neonpay.on_payment(name="deliver")
    async def fail() -> None:
        raise RuntimeError("not today")

    async with before.polling():
        waits = await before.sells(await before.visitor())
    after = open_shop()
    told = notes(after, "grant", was="deliver")
    clock.advance(60)
    async with after.polling():
        await after.delivers(waits)
        paid = await after.sells(await after.visitor())
        await after.delivers(paid)
        assert await states(after, paid) == {"handler:grant": "done"}
    assert told == [waits.charge_id, paid.charge_id]


async def test_a_rename_that_was_forgotten_at_first_leaves_no_job_that_nobody_runs(
    open_shop: Callable[..., Shop],
) -> None:
    old, new = open_shop(), open_shop()
    never, told = notes(old), notes(new, "grant")
    async with old.neonpay:
        pass
    async with new.polling():
        outcome = await new.sells(await new.visitor())
        async with asyncio.timeout(100):
            while (await states(new, outcome))["handler:grant"] != "done":
                await between_looks()
        assert (await states(new, outcome))["handler:deliver"] == "ready"
        await new.neonpay.handlers.rename("handler:deliver", "handler:grant")
        assert await states(new, outcome) == {"handler:deliver": "dropped", "handler:grant": "done"}
    assert (told, never) == ([outcome.charge_id], [])


async def test_an_old_program_that_starts_again_in_a_deploy_does_not_deliver_beside_the_renamed_handler(
    open_shop: Callable[..., Shop],
) -> None:
    new = open_shop()
    old = open_shop()
    never, told = notes(old), notes(new, "grant", was="deliver")
    async with old.neonpay:
        pass
    async with new.neonpay, old.polling():
        outcome = await old.sells(await old.visitor())
        await new.delivers(outcome)
        assert await states(new, outcome) == {"handler:grant": "done"}
    assert (told, never) == ([outcome.charge_id], [])


async def test_a_retired_handler_gets_no_payments_until_a_program_declares_it_again(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    bot, panel = open_shop(), open_shop(role="offers")
    kept, gone = notes(bot), notes(bot, "gone")
    async with bot.polling(), panel.neonpay:
        await panel.neonpay.handlers.retire("handler:gone")
        first = await bot.sells(await bot.visitor())
        await bot.delivers(first)
        assert await states(bot, first) == {"handler:deliver": "done"}
    clock.advance(1)
    async with bot.polling():
        second = await bot.sells(await bot.visitor("Bob"))
        await bot.delivers(second)
    assert kept == [first.charge_id, second.charge_id]
    assert gone == [second.charge_id]


async def test_a_handler_for_which_payments_wait_is_not_retired_by_accident(open_shop: Callable[..., Shop]) -> None:
    bot = open_shop()

    @bot.neonpay.on_payment(name="deliver")
    async def fail() -> None:
        raise RuntimeError("not today")

    async with bot.polling():
        outcome = await bot.sells(await bot.visitor())
        with pytest.raises(PaymentError, match="1 job waits for 'handler:deliver', undelivered"):
            await bot.neonpay.handlers.retire("handler:deliver")
        assert await states(bot, outcome) == {"handler:deliver": "ready"}
        assert await bot.neonpay.handlers.retire("handler:deliver", drop=True) == 1
        assert await states(bot, outcome) == {"handler:deliver": "dropped"}
        with pytest.raises(ConsumerNotFoundError, match="there are: handler:deliver"):
            await bot.neonpay.handlers.retire("handler:nobody")


async def test_a_deploy_that_adds_a_handler_lets_neither_program_miss_or_double_a_payment(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    old, new = open_shop(), open_shop()
    told_old, told_new = notes(old), notes(new)
    added = notes(new, "added")
    async with old.polling():
        ann = await old.visitor()
        before = await old.sells(ann)
        clock.advance(1)
        async with new.neonpay:
            during = [await old.sells(ann) for _ in range(3)]
            for outcome in (before, *during):
                await new.delivers(outcome)
    assert sorted([*told_old, *told_new], key=str) == sorted((o.charge_id for o in (before, *during)), key=str)
    assert sorted(added, key=str) == sorted((o.charge_id for o in during), key=str)


async def test_the_sweep_gives_a_payment_the_job_that_it_lacks_and_never_a_second_one(
    open_shop: Callable[..., Shop],
) -> None:
    bot = open_shop()
    told = notes(bot)
    async with bot.polling():
        ann = await bot.visitor()
        outcomes = [await bot.sells(ann) for _ in range(3)]
        fan_out = bot.neonpay.program.pipeline.fan_out
        await bot.neonpay.program.pipeline.ledger.run(loses_its_jobs, outcomes[1].charge_id or "")
        # None where the sweep of the bot itself was there first.
        assert sum(await asyncio.gather(fan_out.complete(), fan_out.complete())) <= 1
        assert list(await states(bot, outcomes[1])) == ["handler:deliver"]
        assert await asyncio.gather(fan_out.complete(), fan_out.complete()) == [0, 0]
        await bot.delivers(outcomes[1])
    assert told == [outcome.charge_id for outcome in (*outcomes, outcomes[1])]


def loses_its_jobs(transaction: Transaction, charge_id: str) -> None:
    """As when a payment commits beside the declaration of a handler."""
    transaction.connection.execute(sa.delete(jobs).where(jobs.c.charge_id == charge_id))


async def test_a_program_that_only_reads_sees_everything_and_changes_nothing(open_shop: Callable[..., Shop]) -> None:
    bot = open_shop()
    notes(bot)
    async with bot.polling():
        outcome = await bot.sells(await bot.visitor())
        charge_id = outcome.charge_id or ""
        report = open_shop(role="reads")
        notes(report, "never")
        assert [payment.charge_id for payment in await report.neonpay.payments.list()] == [charge_id]
        assert [consumer.consumer for consumer in await report.neonpay.handlers.list()] == ["handler:deliver"]
        for change in (
            report.neonpay.refund(charge_id),
            report.neonpay.jobs.retry(charge_id),
            report.neonpay.create_payment_link("vip"),
        ):
            with pytest.raises(LedgerReadOnlyError, match="only reads"):
                await change
        assert (await bot.neonpay.payments.get(charge_id)).state == "accepted"


async def test_a_program_that_only_reads_makes_no_ledger(open_shop: Callable[..., Shop], tmp_path: Path) -> None:
    report = open_shop(role="reads", database_url=f"sqlite:///{tmp_path / 'nothing.db'}")
    with pytest.raises(NoLedgerError, match="there is no ledger"):
        await report.neonpay.payments.list()
    assert not (tmp_path / "nothing.db").exists()


def test_a_role_that_is_none_is_refused_where_it_is_written(open_shop: Callable[..., Shop]) -> None:
    with pytest.raises(ConfigurationError, match="role must be one of 'delivers', 'offers', 'reads'; got 'panel'"):
        open_shop(role="panel")


async def test_a_stage_that_one_program_takes_off_sale_is_declined_by_all(open_shop: Callable[..., Shop]) -> None:
    bot, panel = open_shop(), open_shop(role="offers")
    notes(bot)
    async with panel.neonpay, bot.polling():
        ann = await bot.visitor()
        invoice = await bot.neonpay.create_payment_link("vip")
        panel.neonpay.remove_payment_stage("vip")
        await panel.neonpay.program.pipeline.presence.catch_up()
        assert (await ann.pays(invoice.link or "")).status == "declined"
        panel.neonpay.create_payment_stage("vip", VIP)
        await panel.neonpay.program.pipeline.presence.catch_up()
        assert (await ann.pays(invoice.link or "")).status == "paid"
    assert [event.reason for event in bot.named("checkout_declined")] == ["not_on_sale"]


async def test_an_invoice_of_a_stage_that_only_another_program_has_is_sold(open_shop: Callable[..., Shop]) -> None:
    bot, web = open_shop(), open_shop(role="offers")
    told = notes(bot)
    web.neonpay.create_payment_stage("order-17", VIP)
    async with web.neonpay, bot.polling():
        invoice = await web.neonpay.create_payment_link("order-17")
        outcome = await (await bot.visitor()).pays(invoice.link or "")
        await bot.settles()
        await bot.delivers(outcome)
    assert told == [outcome.charge_id]


async def test_a_hook_for_requests_gets_no_job_of_a_payment(open_shop: Callable[..., Shop]) -> None:
    bot = open_shop()
    notes(bot)

    @bot.neonpay.refunds.on_request(name="look")
    async def look() -> None: ...

    async with bot.polling():
        outcome = await bot.sells(await bot.visitor())
        assert await bot.neonpay.program.pipeline.fan_out.complete() == 0
        assert {job.state for job in await bot.neonpay.jobs.of(outcome.charge_id or "")} == {"done"}


async def test_a_request_is_decided_by_the_program_that_has_the_hook(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    bot, panel = open_shop(), open_shop(role="offers")
    notes(bot)
    stage = replace(VIP, refund_policy=RefundPolicy(automatic=True))
    for shop in (bot, panel):
        shop.neonpay.replace_payment_stage("vip", stage)

    @bot.neonpay.refunds.on_request(name="look")
    async def look() -> None:
        raise RefundRefused("You have used it.")

    async with bot.polling(), panel.neonpay:
        ann = await bot.visitor()
        outcome = await bot.sells(ann)
        request = await panel.neonpay.refunds.request(outcome.charge_id or "", user_id=ann.id)
        assert request.state == "open", "the panel does not have the hook"
        clock.advance(2)
        await bot.fact("refund_request_refused")
        (decided,) = await panel.neonpay.refunds.requests()
    assert (decided.state, decided.answer) == ("refused", "You have used it.")

"""Code as users write it, for mypy and never run: what has to pass, and, marked with its error, what must not."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type

import sqlalchemy as sa
from aiogram import Bot, Dispatcher

from neonpay import (
    ActionType,
    Invoice,
    Limits,
    NeonPayCore,
    Payment,
    PaymentContext,
    PaymentError,
    PaymentResult,
    PaymentStage,
    PaymentStatus,
    Rate,
    RefundPolicy,
    RefundRefused,
    RejectPayment,
    RetryPolicy,
    SaleRefused,
    SecurityManager,
    StageNotFoundError,
    __version__,
    create_neonpay,
)
from neonpay.core.namespaces import Blocking, M, verb
from neonpay.payments.namespaces.payments import Payments
from neonpay.payments.namespaces.served import Served

if TYPE_CHECKING:
    from collections.abc import Callable

assert_type(__version__, str)

bot = Bot("42:TEST")
dispatcher = Dispatcher()
neonpay = create_neonpay(bot, dispatcher=dispatcher, database_url="sqlite:///shop.db", thank_you_message="Thank you!")
assert_type(neonpay, NeonPayCore)

create_neonpay(bot, dispatcher)  # type: ignore[call-arg]
create_neonpay(bot, dispatcher=dispatcher, max_stages="100")  # type: ignore[arg-type]
create_neonpay(bot, dispatcher=dispatcher, databse_url="sqlite:///shop.db")  # type: ignore[call-arg]


# Stages

coffee = PaymentStage(title="Coffee", description="A cup", price=5, payload={"size": "large"}, max_payments=1)
assert_type(neonpay.create_payment_stage("coffee", coffee), PaymentStage)
assert_type(neonpay.get_payment_stage("coffee"), PaymentStage | None)
assert_type(neonpay.list_payment_stages(), dict[str, PaymentStage])

PaymentStage("Coffee", "A cup", 5)  # type: ignore[call-arg]
PaymentStage(title="Coffee", description="A cup", price=4.99)  # type: ignore[arg-type]
PaymentStage(title="Coffee", description="A cup")  # type: ignore[call-arg]
coffee.price = 6  # type: ignore[misc]
neonpay.create_payment_stage("coffee", {"title": "Coffee"})  # type: ignore[arg-type]


# Who may buy


async def decide() -> None:
    neonpay.security.limits = Limits(actions={ActionType.PAYMENT_REQUEST: Rate(5, 60)}, spending=Rate(1_000, 86_400))
    neonpay.security.set_rate_limit(ActionType.API_CALL, max_requests=5, time_window=60)
    neonpay.security.set_rate_limit("api call", 5, 60)  # type: ignore[arg-type]
    await neonpay.security.block_user(7, 60, reason="spam")
    assert_type((await neonpay.security.get_user_risk_assessment(7))["risk_score"], float)
    allowed, retry_after_s = await neonpay.security.check_rate_limit(7, ActionType.API_CALL)
    assert_type((allowed, retry_after_s), tuple[bool, float | None])
    try:
        await neonpay.send_payment(7, "coffee")
    except SaleRefused as refused:
        assert_type((refused.reason, refused.retry_after_s), tuple[str, float | None])


# Selling


async def sell() -> None:
    async with neonpay as opened:
        assert_type(opened, NeonPayCore)
    try:
        invoice = await neonpay.send_payment(7, "coffee", payload={"table": 4}, idempotency_key="order-1")
    except (StageNotFoundError, PaymentError):
        return
    assert_type(invoice, Invoice)
    assert_type(invoice.price_stars, int)
    assert_type((await neonpay.create_payment_link("coffee")).link, str | None)

    await neonpay.send_payment("7", "coffee")  # type: ignore[arg-type]
    await neonpay.send_payment(7)  # type: ignore[call-arg]
    await neonpay.send_payment(7, "coffee", {"table": 4})  # type: ignore[call-arg, arg-type]
    if await neonpay.send_payment(7, "coffee") is True:  # type: ignore[comparison-overlap]
        pass


# Delivering


@neonpay.on_payment
async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
    assert_type(result.amount, int)
    assert_type(result.status, PaymentStatus)
    assert_type(result.payment, Payment)
    assert_type(result.stage_id, str | None)
    assert_type(ctx.attempt, int)
    assert_type(ctx.idempotency_key, str)
    assert_type(await ctx.step("reserve", reserve, result.user_id), str)
    ctx.tell("100 gems are yours.", parse_mode="HTML", reply_markup={"inline_keyboard": []})
    await ctx.tell("There is nothing to await.")  # type: ignore[func-returns-value, misc]
    ctx.enlist(sa.text("UPDATE stock SET cups = cups - 1"))
    await ctx.step(reserve, "reserve")  # type: ignore[call-overload]
    result.amount = 0  # type: ignore[misc]


@neonpay.on_payment(stage=["coffee", "tea"], name="shop.pour", max_attempts=3)
def pour(result: PaymentResult, connection: sa.Connection) -> None:
    connection.execute(sa.text("INSERT INTO poured VALUES (:user)"), {"user": result.user_id})


@neonpay.on_pre_checkout
def is_open() -> str | None:
    return "The shop is closed."


@neonpay.on_payment(stage="art", name="shop.ship")
async def ship(result: PaymentResult) -> None:
    raise RejectPayment("sold out")


@neonpay.on_refund(stage="coffee", name="shop.take_back", max_attempts=3)
def take_back(result: PaymentResult, connection: sa.Connection) -> None:
    connection.execute(sa.text("DELETE FROM poured WHERE user_id = :user"), {"user": result.user_id})


@neonpay.refunds.on_request(stage="coffee")
async def is_drunk(result: PaymentResult) -> str | None:
    raise RefundRefused("You have drunk it.")


neonpay.enable_support(admins=[7], terms={"en": "Be kind."}, contact="@help")
neonpay.enable_support(admins=7)  # type: ignore[arg-type]
neonpay.enable_alerts(admins=[7], sales=True, declined=True, language="ru", quiet="22:00-08:00", zone="Europe/Moscow")
neonpay.enable_alerts(sales="yes")  # type: ignore[arg-type]
RefundPolicy(window_days=14, automatic=False)


@neonpay.on("payment_completed")
def count(event: object) -> None: ...


async def reserve(user_id: int) -> str:
    return f"cup-{user_id}"


# A decorator gives back the function that it was given.
pour_is_itself: Callable[[PaymentResult, sa.Connection], None] = pour
reserve_is_not_a_sale: Callable[[int], str] = reserve  # type: ignore[assignment]

neonpay.on_payment(stage=7)  # type: ignore[call-overload]
neonpay.on_payment("deliver")  # type: ignore[call-overload]


# Afterwards


async def look_back() -> None:
    assert_type(await neonpay.payments.get("charge"), Payment)
    assert_type(await neonpay.payments.history(7), list[Payment])
    (await neonpay.refund("charge", reason="out of coffee")).amount_stars + 1
    await neonpay.refund(7)  # type: ignore[arg-type]
    assert_type([refund.charge_id for refund in await neonpay.refunds.list("unknown")], list[str])
    request = await neonpay.refunds.request("charge", user_id=7, words="cold")
    await neonpay.refunds.approve(request.request_id, by="Olga")
    await neonpay.refunds.refuse(request.request_id)  # type: ignore[call-arg]
    neonpay.refund("charge").amount_stars  # type: ignore[attr-defined]


# Namespaces: one class for both modes


class Tips(Served[M], path="tips"):
    @verb
    async def total(self, user_id: int, *, days: int = 30) -> list[int]:
        return [user_id, days, *await self._of(user_id)]

    async def _of(self, user_id: int) -> list[int]:
        return []


async def tip() -> None:
    tips = neonpay.program.namespace(Tips)
    assert_type(await tips.total(7), list[int])
    await tips.total("7")  # type: ignore[arg-type]
    await tips.total(7, weeks=4)  # type: ignore[call-arg]
    tips.total(7)[0]  # type: ignore[index]


def tip_and_wait() -> None:
    tips = neonpay.sync.program.namespace(Tips)
    assert_type(tips.total(7, days=1), list[int])
    tips.total("7")  # type: ignore[arg-type]


# In an annotation the bare name is what is awaited.
history: Payments = neonpay.payments
waiting: Payments[Blocking] = neonpay.sync.payments
security: SecurityManager = neonpay.security
not_the_same: Payments = neonpay.sync.payments  # type: ignore[assignment]


# Bots without an event loop


def sell_and_wait() -> None:
    with neonpay.sync as sync:
        assert_type(sync.send_payment(7, "coffee", payload={"table": 4}), Invoice)
        assert_type(sync.payments.history(7, limit=5), list[Payment])
        assert_type(sync.security.check_rate_limit(7, ActionType.API_CALL)[0], bool)
        assert_type(sync.wait(sell()), None)
        sync.wait(7)  # type: ignore[arg-type]
        sync.send_payment("7", "coffee")  # type: ignore[arg-type]
        sync.send_payment(7)  # type: ignore[call-arg]
        sync.send_payment(7, "coffee", tabel=4)  # type: ignore[call-arg]


@neonpay.on_payment(stage="tea")
def deliver_in_a_thread(result: PaymentResult, ctx: PaymentContext) -> None:
    assert_type(ctx.step_sync("key", str, 7), str)


# What is tried again

retries = RetryPolicy(on=(OSError, TimeoutError), attempts=3, total_s=10)
RetryPolicy(attempts=3)  # type: ignore[call-arg]
retries.attempts = 4  # type: ignore[misc]


@retries
async def fetch(key: str) -> int:
    return len(key)


@retries
def fetch_now(key: str) -> int:
    return len(key)


async def fetched() -> None:
    assert_type(await fetch("key"), int)
    assert_type(fetch_now("key"), int)
    fetch_now(1)  # type: ignore[arg-type]
    async for attempt in retries:
        with attempt:
            assert_type(attempt.number, int)
            assert_type(attempt.error, Exception | None)


@neonpay.once(lambda user_id: f"welcome:{user_id}")
async def welcome(user_id: int) -> str:
    async with neonpay.transaction() as connection:
        assert_type(await connection.run_sync(lambda _: 7), int)
    return "gems"


async def welcomes() -> None:
    assert_type(await welcome(7), str)

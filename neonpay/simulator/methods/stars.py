"""Answering pre-checkout queries, refunds, transactions and the balance."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aiogram import types

from neonpay.core.limits import CURRENCY, TRANSACTIONS_LIMIT
from neonpay.simulator.calls.requests import Done, Method, Request
from neonpay.simulator.chats.accounts import NANOSTARS
from neonpay.simulator.methods.depth import simulated
from neonpay.simulator.wire.objects import build, dump
from neonpay.simulator.wire.refusal import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping


@simulated(
    "Within ten seconds; an approval moves the Stars at once, or has the test provider take its price, and "
    "`successful_payment` follows."
)
def answer_pre_checkout_query(request: Request) -> Done:
    """Approve or decline; an approval moves the Stars, or the money, at once."""
    params = request.params
    query_id = params.text("pre_checkout_query_id")
    ok = params.boolean("ok")
    error_message = "" if ok else params.required("error_message")  # SRV: with ok=true it is not looked at
    request.world.checkouts.answer(request.bot, query_id, ok=ok, error_message=error_message)
    return Done(True)


@simulated(
    "Whole, once, without a time limit; the bot must still have the Stars. `refunded_payment` follows. What was "
    "paid in another currency is unknown to it."
)
def refund_star_payment(request: Request) -> Done:
    """Give the Stars of one charge back, all of them."""
    world, bot, params = request.world, request.bot, request.params
    payment = world.till.refund(bot, params.integer("user_id"), params.text("telegram_payment_charge_id"))
    payer = world.accounts.users[payment.user_id]
    refunded = build(
        types.RefundedPayment,
        currency=CURRENCY,
        total_amount=payment.amount,
        invoice_payload=payment.payload,
        telegram_payment_charge_id=payment.charge_id,
    )
    # UNVERIFIED: that paid media are given back in this way too, by the id of their row, and that their payload is told here.
    # Its sender is the bot, unlike that of successful_payment: seen live, aiogram/aiogram#1692 (2025-05-13).
    post = world.chats.post(world.chats.between(bot, payer), {"refunded_payment": dump(refunded)}, by_bot=True)
    world.tell(bot, "message", dump(post.message), (payer.id, "message"))
    return Done(True)


@simulated(
    "By the charge id of the first payment. Cancelled by the bot, a subscription ends with its period, and its person can "
    "restore it only after the bot has allowed it."
)
def edit_user_star_subscription(request: Request) -> Done:
    """End the renewals of a subscription, or let the person take it up again."""
    params = request.params
    user_id = params.integer("user_id")
    if user_id <= 0:
        raise bad_request("invalid user_id specified")  # SRV: get_user_id
    charge_id, is_canceled = params.text("telegram_payment_charge_id"), params.boolean("is_canceled")
    request.world.subscriptions.edit(request.bot, user_id, charge_id, is_canceled=is_canceled)
    return Done(True)


@simulated("Every kind of partner, oldest first, clamped as the server clamps; a refund has the id of its charge.")
def get_star_transactions(request: Request) -> Done:
    """One page of the books, oldest first; ``limit`` and ``offset`` are clamped, never refused (SRV)."""
    params = request.params
    offset = params.integer("offset", minimum=0)
    limit = params.integer("limit", TRANSACTIONS_LIMIT, minimum=1, maximum=TRANSACTIONS_LIMIT)
    return Done({"transactions": request.world.till.page(request.bot, offset=offset, limit=limit)})


@simulated("With billionths.")
def get_my_star_balance(request: Request) -> Done:
    """The bot's Stars."""
    bot = request.bot
    stars, rest = bot.balance_stars, bot.balance_nanostars
    if stars < 0 < rest:  # both have the sign of the whole
        stars, rest = stars + 1, rest - NANOSTARS
    return Done(dump(build(types.StarAmount, amount=stars, nanostar_amount=rest or None)))


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "answerPreCheckoutQuery": answer_pre_checkout_query,
        "editUserStarSubscription": edit_user_star_subscription,
        "getMyStarBalance": get_my_star_balance,
        "getStarTransactions": get_star_transactions,
        "refundStarPayment": refund_star_payment,
    }
)

"""Where Stars move: charges, refunds, and the rows that getStarTransactions shows."""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from aiogram import types

from neonpay.simulator.objects import build, dump
from neonpay.simulator.refusal import bad_request

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

    from neonpay.simulator.accounts import Accounts, BotAccount, UserAccount
    from neonpay.simulator.clock import SteppedClock
    from neonpay.simulator.invoices import Invoice

CHARGE_ID_CHARS: Final = 150
"""Length of a charge id here. Real ones are opaque and have been seen to pass 128 characters, so these always do."""
_CHARGE_ID_LETTERS: Final = string.ascii_letters + string.digits


@dataclass(slots=True)
class Payment:
    """One taking of Stars.

    Attributes:
        charge_id: Telegram's id of the money.
        amount: Stars.
        payload: the invoice's.
        paid_at: virtual UTC time.
        refunded: the Stars went back.
    """

    charge_id: str
    bot_id: int
    user_id: int
    amount: int
    payload: str = field(repr=False)
    paid_at: datetime
    refunded: bool = False


@dataclass(frozen=True, slots=True)
class Transaction:
    """One change of a bot's balance; a refund has the id of its charge and the other direction.

    Attributes:
        direction: ``source`` when Stars came in, ``receiver`` when they went out.
        amount: Stars, positive.
    """

    id: str
    direction: Literal["source", "receiver"]
    amount: int
    at: datetime
    user_id: int
    payload: str = field(repr=False)


class Till:
    """The books of every bot."""

    def __init__(self, accounts: Accounts, clock: SteppedClock, random: Random) -> None:
        self._accounts = accounts
        self._clock = clock
        self._random = random
        self._payments: dict[int, dict[str, Payment]] = {}
        self._transactions: dict[int, list[Transaction]] = {}

    def payments(self, bot: BotAccount) -> list[Payment]:
        """Every taking of Stars for this bot, oldest first."""
        return list(self._payments.get(bot.id, {}).values())

    def transactions(self, bot: BotAccount) -> list[Transaction]:
        """Every change of the bot's balance, oldest first."""
        return list(self._transactions.get(bot.id, ()))

    def take(self, bot: BotAccount, payer: UserAccount, invoice: Invoice) -> Payment:
        """Move the Stars of an invoice from the payer to the bot; the payer has them, which the caller has checked."""
        moment = self._clock.moment()
        payment = Payment(self._new_charge_id(), bot.id, payer.id, invoice.amount_stars, invoice.payload, moment)
        payer.balance_stars -= payment.amount
        bot.balance_stars += payment.amount
        self._payments.setdefault(bot.id, {})[payment.charge_id] = payment
        self._enter(bot, payment, "source")
        return payment

    def refund(self, bot: BotAccount, user_id: int, charge_id: str) -> Payment:
        """Move the Stars of a charge back to who paid them.

        Raises:
            Refusal: nothing moved.
        """
        if user_id <= 0:
            raise bad_request("invalid user_id specified")  # SRV: get_user_id
        if not charge_id:
            raise bad_request("CHARGE_ID_EMPTY")  # ERR
        payer = self._accounts.users.get(user_id)
        if payer is None:
            raise bad_request("USER_ID_INVALID")  # ERR
        payment = self._payments.get(bot.id, {}).get(charge_id)
        if payment is None or payment.user_id != user_id:
            raise bad_request("CHARGE_ID_INVALID")  # UNVERIFIED: for a charge of nobody or of somebody else
        if payment.refunded:
            raise bad_request("CHARGE_ALREADY_REFUNDED")  # ERR
        if bot.balance_stars < payment.amount:
            raise bad_request("BALANCE_TOO_LOW")  # UNVERIFIED: the Stars have left the bot since
        payment.refunded = True
        bot.balance_stars -= payment.amount
        payer.balance_stars += payment.amount
        self._enter(bot, payment, "receiver")
        return payment

    def page(self, bot: BotAccount, *, offset: int, limit: int) -> list[dict[str, object]]:
        """``StarTransaction`` objects, oldest first (TDL: ascending for bots), ``offset`` of them skipped."""
        rows = self._transactions.get(bot.id, [])[offset : offset + limit]
        return [self._as_json(row) for row in rows]

    def _enter(self, bot: BotAccount, payment: Payment, direction: Literal["source", "receiver"]) -> None:
        row = Transaction(
            payment.charge_id, direction, payment.amount, self._clock.moment(), payment.user_id, payment.payload
        )
        self._transactions.setdefault(bot.id, []).append(row)

    def _as_json(self, row: Transaction) -> dict[str, object]:
        partner = build(
            types.TransactionPartnerUser,
            type="user",
            transaction_type="invoice_payment",
            user=self._accounts.users[row.user_id].as_user,
            invoice_payload=row.payload,
        )
        transaction = build(
            types.StarTransaction,
            id=row.id,
            amount=row.amount,
            date=int(row.at.timestamp()),
            **{row.direction: dump(partner)},
        )
        return dump(transaction)

    def _new_charge_id(self) -> str:
        tail = "".join(self._random.choices(_CHARGE_ID_LETTERS, k=CHARGE_ID_CHARS - 5))
        return f"stx{tail[:70]}_{tail[70:]}="

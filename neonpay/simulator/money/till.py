"""Where Stars move: charges, refunds, and the rows that getStarTransactions shows."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from aiogram import types

from neonpay.simulator.chats.accounts import NANOSTARS
from neonpay.simulator.wire.objects import build, dump
from neonpay.simulator.wire.refusal import bad_request

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from random import Random

    from pydantic import BaseModel

    from neonpay.simulator.chats.accounts import Accounts, BotAccount, UserAccount
    from neonpay.simulator.chats.invoices import Invoice
    from neonpay.simulator.clock import SteppedClock

CHARGE_ID_CHARS: Final = 150
"""Length of a charge id here. Real ones are opaque and have been seen to pass 128 characters, so these always do."""


@dataclass(frozen=True, slots=True)
class Commission:
    """What an affiliate gets of each sale of a bot.

    Attributes:
        is_net: whether the bot's row and balance are without it. Which it is at Telegram is not known, so a test tries both.
    """

    per_mille: int
    is_net: bool

    def of(self, amount: int) -> int:
        """The affiliate's share of so many Stars, in nanostars."""
        return amount * self.per_mille * (NANOSTARS // 1000)


@dataclass(slots=True)
class Payment:
    """One taking of Stars.

    Attributes:
        charge_id: Telegram's id of the money.
        amount: Stars.
        payload: the invoice's.
        paid_at: virtual UTC time.
        refunded: the Stars went back.
        commission: what an affiliate gets of it.
        subscription_period_s: length of the period that it pays for, 0 for a one-off payment.
        media: what was bought, as ``PaidMedia`` objects; empty for an invoice.
    """

    charge_id: str
    bot_id: int
    user_id: int
    amount: int
    payload: str = field(repr=False)
    paid_at: datetime
    refunded: bool = False
    commission: Commission | None = None
    subscription_period_s: int = 0
    media: Sequence[Mapping[str, object]] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Transaction:
    """One change of a bot's balance; a refund has the id of its charge and the other direction.

    Attributes:
        direction: ``source`` when Stars came in, ``receiver`` when they went out.
        amount: Stars, positive.
        partner: the other side as the Bot API shows it.
        nanostars: billionths of a Star beside ``amount``, positive.
    """

    id: str
    direction: Literal["source", "receiver"]
    amount: int
    at: datetime
    user_id: int | None
    payload: str = field(repr=False)
    partner: Mapping[str, object] = field(default_factory=dict, repr=False)
    nanostars: int = 0


class Till:
    """The books of every bot."""

    def __init__(self, accounts: Accounts, clock: SteppedClock, random: Random) -> None:
        self._accounts = accounts
        self._clock = clock
        self._random = random
        self._payments: dict[int, dict[str, Payment]] = {}
        self._transactions: dict[int, list[Transaction]] = {}
        self.commissions: dict[int, Commission] = {}

    def payments(self, bot: BotAccount) -> list[Payment]:
        """Every taking of Stars for this bot, oldest first."""
        return list(self._payments.get(bot.id, {}).values())

    def transactions(self, bot: BotAccount) -> list[Transaction]:
        """Every change of the bot's balance, oldest first."""
        return list(self._transactions.get(bot.id, ()))

    def take(self, bot: BotAccount, payer: UserAccount, invoice: Invoice) -> Payment:
        """Move the Stars of an invoice from the payer to the bot; the payer has them, which the caller has checked."""
        payment = self._payment(bot, payer, invoice.amount_stars, invoice.payload)
        payment.subscription_period_s = invoice.subscription_period_s
        return self._book(bot, payer, payment)

    def take_for_media(
        self, bot: BotAccount, payer: UserAccount, price_stars: int, payload: str, media: Sequence[Mapping[str, object]]
    ) -> Payment:
        """Move the price of paid media in the same way."""
        payment = self._payment(bot, payer, price_stars, payload)
        payment.media = media
        return self._book(bot, payer, payment)

    def _payment(self, bot: BotAccount, payer: UserAccount, amount: int, payload: str) -> Payment:
        commission = self.commissions.get(bot.id)
        return Payment(self.new_id(), bot.id, payer.id, amount, payload, self._clock.moment(), commission=commission)

    def _book(self, bot: BotAccount, payer: UserAccount, payment: Payment) -> Payment:
        payer.balance_stars -= payment.amount
        self._payments.setdefault(bot.id, {})[payment.charge_id] = payment
        self._enter_sale(bot, payment, "source")
        return payment

    def refund(self, bot: BotAccount, user_id: int, charge_id: str) -> Payment:
        """Move the Stars of a charge back to who paid them.

        Raises:
            Refusal: nothing moved.
        """
        if user_id <= 0:
            raise bad_request("invalid user_id specified")  # SRV: get_user_id
        if not charge_id:
            # SRV, before Telegram's CHARGE_ID_EMPTY
            raise bad_request('parameter "telegram_payment_charge_id" is required')
        payer = self._accounts.users.get(user_id)
        if payer is None:
            raise bad_request("USER_ID_INVALID")  # ERR
        payment = self._payments.get(bot.id, {}).get(charge_id)
        if payment is None or payment.user_id != user_id:
            # UNVERIFIED: for a charge of nobody, of somebody else, or in another currency.
            raise bad_request("CHARGE_ID_INVALID")
        if payment.refunded:
            raise bad_request("CHARGE_ALREADY_REFUNDED")  # ERR
        if bot.balance_stars < payment.amount:
            raise bad_request("BALANCE_TOO_LOW")  # UNVERIFIED: the Stars have left the bot since
        payment.refunded = True
        payer.balance_stars += payment.amount
        self._enter_sale(bot, payment, "receiver")
        return payment

    def page(self, bot: BotAccount, *, offset: int, limit: int) -> list[dict[str, object]]:
        """``StarTransaction`` objects, oldest first (TDL: ascending for bots), ``offset`` of them skipped."""
        rows = self._transactions.get(bot.id, [])[offset : offset + limit]
        return [self._as_json(row) for row in rows]

    def enter(
        self,
        bot: BotAccount,
        transaction_id: str,
        direction: Literal["source", "receiver"],
        nanostars: int,
        partner: BaseModel | Mapping[str, object],
        *,
        user_id: int | None = None,
        payload: str = "",
    ) -> None:
        """Change the balance and write the row that says so."""
        bot.gets(nanostars if direction == "source" else -nanostars)
        stars, rest = divmod(nanostars, NANOSTARS)
        moment = self._clock.moment()
        shown = partner if isinstance(partner, Mapping) else dump(partner)  # the row is checked when it is shown
        row = Transaction(transaction_id, direction, stars, moment, user_id, payload, shown, rest)
        self._transactions.setdefault(bot.id, []).append(row)

    def grow(self, bot: BotAccount, transaction_id: str, nanostars: int, partner: BaseModel) -> None:
        """Add so much to the newest row with this id and rewrite its other side."""
        rows = self._transactions[bot.id]
        place = max(place for place, row in enumerate(rows) if row.id == transaction_id)
        row = rows[place]
        bot.gets(nanostars if row.direction == "source" else -nanostars)
        stars, rest = divmod(row.amount * NANOSTARS + row.nanostars + nanostars, NANOSTARS)
        rows[place] = replace(row, amount=stars, nanostars=rest, partner=dump(partner))

    def change_partner(self, bot: BotAccount, transaction_id: str, partner: BaseModel) -> None:
        """Rewrite the other side of a row where it stands, as Telegram does with withdrawals."""
        rows = self._transactions[bot.id]
        (place,) = [place for place, row in enumerate(rows) if row.id == transaction_id]
        rows[place] = replace(rows[place], partner=dump(partner))

    def new_id(self) -> str:
        """An id for a transaction: of a charge, or of anything else."""
        tail = b64encode(self._random.randbytes(CHARGE_ID_CHARS), altchars=b"xy").decode()[: CHARGE_ID_CHARS - 5]
        return f"stx{tail[:70]}_{tail[70:]}="

    def _enter_sale(self, bot: BotAccount, payment: Payment, direction: Literal["source", "receiver"]) -> None:
        nanostars, affiliate = payment.amount * NANOSTARS, None
        if payment.commission is not None:
            share = payment.commission.of(payment.amount)
            sign = 1 if direction == "source" else -1
            stars, rest = divmod(share, NANOSTARS)
            nanostars -= share if payment.commission.is_net else 0
            affiliate = build(
                types.AffiliateInfo,
                commission_per_mille=payment.commission.per_mille,
                amount=sign * stars,
                nanostar_amount=sign * rest or None,
            )
        partner: dict[str, object] = {"type": "user", "user": self._accounts.users[payment.user_id].as_user}
        partner |= _bought(payment)
        if affiliate is not None:
            partner["affiliate"] = dump(affiliate)
        self.enter(
            bot, payment.charge_id, direction, nanostars, partner, user_id=payment.user_id, payload=payment.payload
        )

    def _as_json(self, row: Transaction) -> dict[str, object]:
        transaction = build(
            types.StarTransaction,
            id=row.id,
            amount=row.amount,
            nanostar_amount=row.nanostars or None,
            date=int(row.at.timestamp()),
            **{row.direction: row.partner},
        )
        return dump(transaction)


def _bought(payment: Payment) -> dict[str, object]:
    if payment.media:
        payload = {"paid_media_payload": payment.payload} if payment.payload else {}
        return {"transaction_type": "paid_media_payment", "paid_media": list(payment.media), **payload}
    period = {"subscription_period": payment.subscription_period_s} if payment.subscription_period_s else {}
    return {"transaction_type": "invoice_payment", "invoice_payload": payment.payload, **period}

"""A row of Telegram's list of Star transactions, as a fact.

The list shows what moved the bot's Stars, oldest first (https://core.telegram.org/bots/api#startransaction, read 2026-11-20). A
refund has the id of its charge and the other direction, so a row's key is both. Kinds of partners that Telegram adds later are
read as ``Account.OTHER``, and nothing about a row that is not needed can make it unreadable.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import cast

from neonpay.core.charge_ids import charge_key, full_id
from neonpay.core.fitting import PAYLOAD_MAX_CHARS
from neonpay.core.jsontext import JsonValue
from neonpay.core.text import fit

NANOSTARS = 1_000_000_000
"""Nanostars in one Star."""


class Account(enum.StrEnum):
    """What moved the Stars; each has an account in the journal under this name, but for sales of ours."""

    SALES = "sales"
    """An invoice that a user paid, or its refund."""
    FOREIGN = "foreign"
    """The same for an invoice of the host's own."""
    PAID_MEDIA = "paid_media"
    GIFTS = "gifts"
    PREMIUM = "premium"
    BUSINESS = "business_transfers"
    WITHDRAWALS = "withdrawals"
    ADS = "ads"
    PAID_BROADCASTS = "paid_broadcasts"
    AFFILIATE = "affiliate"
    """Earned as an affiliate of another bot."""
    COMMISSIONS = "commissions"
    """What an affiliate got of a sale of ours, where the row of the sale is net of it."""
    OTHER = "other"
    """What Telegram does not name, or names in a way that this version does not know."""


class Withdrawal(enum.StrEnum):
    """How far a withdrawal has come; Telegram changes it in the row that is there already."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StarTransaction:
    """One row of the list.

    Attributes:
        transaction_id: the charge id, for a sale and for its refund; the ``charge_key`` of Telegram's own.
        full_id: Telegram's own when ``transaction_id`` only stands for it.
        incoming: whether the bot got the Stars.
        nanostars: how much, always positive; a Star is 10⁹ of them.
        affiliate_nanostars: what an affiliate got of it, 0 when there is none.
        subscription_period_s: length of the paid period of a subscription.
    """

    transaction_id: str
    incoming: bool
    nanostars: int
    at_us: int
    account: Account
    user_id: int | None = None
    payload: str = field(default="", repr=False)
    subscription_period_s: int | None = None
    affiliate_nanostars: int = 0
    withdrawal: Withdrawal | None = None
    full_id: str | None = None

    @property
    def key(self) -> str:
        """What tells this row from all others of the bot."""
        return f"{'+' if self.incoming else '-'}{self.transaction_id}"

    @property
    def is_sale(self) -> bool:
        """Whether it is the payment of an invoice, or its refund."""
        return self.account is Account.SALES

    @property
    def is_refund(self) -> bool:
        """Whether it gives the Stars of a sale back."""
        return self.is_sale and not self.incoming

    @property
    def is_pending(self) -> bool:
        """Whether it is a withdrawal that has not ended."""
        return self.withdrawal is Withdrawal.PENDING

    @property
    def effect(self) -> int:
        """What the row does to the balance, in nanostars: a withdrawal that failed does nothing."""
        if self.withdrawal is Withdrawal.FAILED:
            return 0
        return self.nanostars if self.incoming else -self.nanostars


def read_transaction(raw: object) -> StarTransaction | None:
    """The fact that a raw ``StarTransaction`` tells; None when it has no id, no amount or no direction."""
    if not isinstance(raw, dict):
        return None
    row = cast("dict[str, JsonValue]", raw)
    incoming = isinstance(row.get("source"), dict)
    partner = row.get("source" if incoming else "receiver")
    transaction_id, date = row.get("id"), row.get("date")
    nanostars = _nanostars(row)
    if not isinstance(partner, dict) or not isinstance(transaction_id, str) or nanostars is None:
        return None
    account = _account(partner)
    user, period, affiliate = partner.get("user"), partner.get("subscription_period"), partner.get("affiliate")
    user_id = user.get("id") if isinstance(user, dict) else None
    payload = partner.get("invoice_payload")
    return StarTransaction(
        transaction_id=charge_key(transaction_id),
        incoming=incoming,
        nanostars=abs(nanostars),
        at_us=date * 1_000_000 if isinstance(date, int) else 0,
        account=account,
        user_id=user_id if isinstance(user_id, int) else None,
        payload=fit(payload, PAYLOAD_MAX_CHARS) if isinstance(payload, str) else "",
        subscription_period_s=period if isinstance(period, int) else None,
        affiliate_nanostars=abs(_nanostars(affiliate) or 0) if isinstance(affiliate, dict) else 0,
        withdrawal=_withdrawal(partner) if account is Account.WITHDRAWALS and not incoming else None,
        full_id=full_id(transaction_id),
    )


def read_star_amount(raw: JsonValue) -> int | None:
    """Nanostars of a raw ``StarAmount``, or None when it is none."""
    return _nanostars(raw) if isinstance(raw, dict) else None


def charged_key(row: StarTransaction) -> str | None:
    """Key of the row of the charge that a refund gives back; None for any other row."""
    return f"+{row.transaction_id}" if row.is_refund else None


def split_stars(nanostars: int) -> tuple[int, int]:
    """Whole Stars and the nanostars that are left, both with the sign of the whole."""
    stars, rest = divmod(abs(nanostars), NANOSTARS)
    return (stars, rest) if nanostars >= 0 else (-stars, -rest)


def _nanostars(raw: Mapping[str, JsonValue]) -> int | None:
    stars, nanostars = raw.get("amount"), raw.get("nanostar_amount", 0)
    if not isinstance(stars, int) or not isinstance(nanostars, int):
        return None
    return stars * NANOSTARS + nanostars


def _account(partner: Mapping[str, JsonValue]) -> Account:
    kind, transaction_type = partner.get("type"), partner.get("transaction_type")
    if kind != "user":
        return _OF_OTHERS.get(str(kind), Account.OTHER)
    if transaction_type is None and "invoice_payload" in partner:  # Bot API servers before 9.0
        return Account.SALES
    return _OF_USERS.get(str(transaction_type), Account.OTHER)


def _withdrawal(partner: Mapping[str, JsonValue]) -> Withdrawal | None:
    state = partner.get("withdrawal_state")
    name = state.get("type") if isinstance(state, dict) else None
    return next((known for known in Withdrawal if known.value == name), None)


_OF_USERS: Mapping[str, Account] = MappingProxyType(
    {
        "invoice_payment": Account.SALES,
        "paid_media_payment": Account.PAID_MEDIA,
        "gift_purchase": Account.GIFTS,
        "premium_purchase": Account.PREMIUM,
        "business_account_transfer": Account.BUSINESS,
    }
)
_OF_OTHERS: Mapping[str, Account] = MappingProxyType(
    {
        "chat": Account.GIFTS,
        "fragment": Account.WITHDRAWALS,
        "telegram_ads": Account.ADS,
        "telegram_api": Account.PAID_BROADCASTS,
        "affiliate_program": Account.AFFILIATE,
    }
)

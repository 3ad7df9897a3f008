"""What Telegram tells, made fit for every database at the one place where it enters."""

from __future__ import annotations

from dataclasses import replace

from neonpay.core.charge_ids import charge_key, full_id
from neonpay.core.payments import Charge, RefundNotice
from neonpay.core.subscriptions import SubscriptionChange
from neonpay.core.text import fit

PAYLOAD_MAX_CHARS = 1_024
"""Longest payload that is kept; none of ours comes near, and Telegram allows 128 bytes."""
NAME_MAX_CHARS = 500
"""Longest name of a currency or a state that is kept."""


def fit_charge(charge: Charge) -> Charge:
    """The charge as it is kept and found again."""
    told = f"{charge.charge_id}{charge.payload}{charge.currency}{charge.provider_charge_id}"
    if len(told) <= NAME_MAX_CHARS and told.isascii() and "\0" not in told:
        return charge  # all that Telegram has sent so far
    key = charge_key(charge.charge_id)
    payload, currency = fit(charge.payload, PAYLOAD_MAX_CHARS), fit(charge.currency, NAME_MAX_CHARS)
    provider_charge_id = charge.provider_charge_id and fit(charge.provider_charge_id, PAYLOAD_MAX_CHARS)
    if (key, payload, currency, provider_charge_id) == (
        charge.charge_id,
        charge.payload,
        charge.currency,
        charge.provider_charge_id,
    ):
        return charge
    return replace(
        charge,
        charge_id=key,
        full_charge_id=charge.full_charge_id or full_id(charge.charge_id),
        payload=payload,
        currency=currency,
        provider_charge_id=provider_charge_id,
    )


def fit_notice(notice: RefundNotice) -> RefundNotice:
    """The notice as it is kept and found again."""
    return replace(notice, charge_id=charge_key(notice.charge_id), payload=fit(notice.payload, PAYLOAD_MAX_CHARS))


def fit_change(change: SubscriptionChange) -> SubscriptionChange:
    """The change as it is kept."""
    return replace(change, payload=fit(change.payload, PAYLOAD_MAX_CHARS), state=fit(change.state, NAME_MAX_CHARS))

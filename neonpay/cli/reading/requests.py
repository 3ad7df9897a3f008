"""Buyers' requests for refunds as a list shows them, and one by the beginning of an id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from neonpay.cli.columns import id_chars
from neonpay.cli.counted import Total
from neonpay.cli.reading.totals import count_rows
from neonpay.core.requests import RefundRequest, RequestState
from neonpay.errors import PaymentError
from neonpay.ledger import Transaction
from neonpay.ledger.tables import payments, refund_requests

_MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and what it is about."""

    request: RefundRequest
    stage_id: str | None
    amount_stars: int


def read_requests(
    transaction: Transaction,
    bots: Sequence[int],
    *,
    state: RequestState | None,
    user_id: int | None,
    limit: int,
) -> tuple[list[Asked], Total]:
    """Requests that were sent, newest first, and how many there are in all."""
    where = [refund_requests.c.bot_id.in_(bots), _in_state(state)]
    if user_id is not None:
        where.append(refund_requests.c.user_id == user_id)
    newest_first = (refund_requests.c.requested_at.desc(), refund_requests.c.request_id)
    found = _select(transaction, where, newest_first, limit)
    return found, count_rows(transaction, refund_requests, where, shown=len(found), limit=limit)


def find_request(transaction: Transaction, bots: Sequence[int], beginning: str) -> Asked:
    """The only request whose id, or the charge id of whose payment, begins so.

    Raises:
        PaymentError: there is none, and the message has those that are open; or there are several, and it has those.
    """
    beginning = beginning.rstrip("…")
    of_bots = refund_requests.c.bot_id.in_(bots)
    ids = (refund_requests.c.request_id, refund_requests.c.charge_id)
    begins_so = sa.or_(*[one.startswith(beginning, autoescape=True) for one in ids])
    order = (refund_requests.c.requested_at.desc(),)
    found = _select(transaction, [of_bots, _in_state(None), begins_so], order, _MOST_NAMED) if beginning else []
    if len(found) == 1:
        return found[0]
    if found:
        msg = f"more than one request begins with {beginning!r}; give more of it: {named(found)}"
        raise PaymentError(msg)
    msg = f"no request {beginning!r} in the ledger; open: {open_ones(transaction, bots)}"
    raise PaymentError(msg)


def open_ones(transaction: Transaction, bots: Sequence[int]) -> str:
    """The requests that wait for a person, as one may type them."""
    where = [refund_requests.c.bot_id.in_(bots), _in_state(RequestState.OPEN)]
    return named(_select(transaction, where, (refund_requests.c.requested_at.desc(),), _MOST_NAMED)) or "none"


def named(found: Sequence[Asked]) -> str:
    """Requests as one may type them."""
    ids = [one.request.request_id for one in found]
    chars = id_chars(ids)
    return ", ".join(one if len(one) <= chars else f"{one[:chars]}…" for one in ids)


def _in_state(state: RequestState | None) -> sa.ColumnElement[bool]:
    if state is None:
        return refund_requests.c.state != RequestState.DRAFT.value
    return refund_requests.c.state == state.value


def _select(
    transaction: Transaction,
    where: Sequence[sa.ColumnElement[bool]],
    order: Sequence[sa.ColumnElement[object]],
    limit: int,
) -> list[Asked]:
    about = sa.and_(payments.c.bot_id == refund_requests.c.bot_id, payments.c.charge_id == refund_requests.c.charge_id)
    join = sa.outerjoin(refund_requests, payments, about)
    query = sa.select(refund_requests, payments.c.stage_id, payments.c.amount_stars).select_from(join).where(*where)
    found = []
    for row in transaction.connection.execute(query.order_by(*order).limit(limit)).mappings():
        fields = dict(row)
        stage_id, amount_stars = fields.pop("stage_id"), fields.pop("amount_stars")
        request = RefundRequest(**{**fields, "state": RequestState(fields["state"])})
        found.append(Asked(request, stage_id, amount_stars or 0))
    return found

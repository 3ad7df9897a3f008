"""What was paid and what of it went back, by bucket: what all figures about revenue are made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from neonpay.analytics.counting import counted, sums
from neonpay.analytics.figures import Takings
from neonpay.analytics.measures import ONE_OFF, Measure
from neonpay.analytics.periods import Span
from neonpay.analytics.scope import Scope, Split
from neonpay.ledger import Transaction

_MEASURES: Final[Mapping[Split | None, tuple[Measure, Measure]]] = MappingProxyType(
    {
        Split.LANGUAGE: (Measure.PAID_IN, Measure.RETURNED_IN),
        Split.SOURCE: (Measure.PAID_FROM, Measure.RETURNED_FROM),
    }
)
_COLUMNS: Final[Mapping[Split, str]] = MappingProxyType(
    {
        Split.BOT: "bot_id",
        Split.STAGE: "stage_id",
        Split.PLAN: "stage_id",
        Split.LANGUAGE: "detail",
        Split.SOURCE: "detail",
    }
)
Key = tuple[int, str, bool]
"""A bucket, a part of the split and whether it is one-off."""


def takings_in(transaction: Transaction, scope: Scope, span: Span) -> Takings:
    """What was paid in a span, and what of it went back; the figures of ``revenue``."""
    return Takings.sum(takings_by(transaction, scope, [span], None).values())


def takings_by(
    transaction: Transaction, scope: Scope, spans: Sequence[Span], split: Split | None
) -> dict[Key, Takings]:
    """The figures of ``revenue`` by bucket, by part, and by whether they are one-off."""
    column = None if split is None else _COLUMNS[split]
    paid, returned = _MEASURES.get(split, (Measure.PAID, Measure.RETURNED))
    found: dict[Key, Takings] = defaultdict(Takings)
    for measure in (paid, returned):
        rows = counted(transaction, measure, scope, spans)
        for (place, kind, *part), number, stars in sums(
            transaction, rows, "place", "kind", *([column] if column else [])
        ):
            is_one_off = kind == ONE_OFF
            # There are none of a language or a source where everybody who had it was erased.
            if not number or (split is Split.PLAN and is_one_off):
                continue
            key = (int(place), str(part[0]) if part else "", is_one_off)
            found[key] += Takings(number, stars) if measure is paid else Takings(0, 0, number, stars)
    return found

"""A stage in the ledger: it comes back as it was, whatever it is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from neonpay.core import limits
from neonpay.core.stages import PaymentStage, RepeatPolicy

text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
stages = st.builds(
    PaymentStage,
    title=text.filter(lambda title: len(title) <= limits.TITLE_MAX_CHARS),
    description=text.filter(lambda words: len(words) <= limits.DESCRIPTION_MAX_CHARS),
    price=st.integers(limits.PRICE_MIN_STARS, limits.PRICE_MAX_STARS),
    label=text,
    payload=st.dictionaries(st.text(max_size=8), json_values, max_size=4),
    start_parameter=st.none() | st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    repeat=st.sampled_from(RepeatPolicy),
    max_payments=st.none() | st.integers(1, 2**31 - 1),
    invoice_ttl_s=st.none() | st.integers(1, 315_360_000),
)


@given(stages)
def test_a_stage_comes_back_from_its_json_as_it_was(stage: PaymentStage) -> None:
    back = PaymentStage.from_json(stage.to_json())
    assert back == stage
    assert back.to_json() == stage.to_json()


@given(stages, stages)
def test_two_stages_share_a_digest_exactly_when_they_are_one(one: PaymentStage, other: PaymentStage) -> None:
    assert (one.digest == other.digest) == (one.to_json() == other.to_json())

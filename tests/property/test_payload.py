"""The signed payload of an invoice: what it carries, what it refuses, and how its keys are changed."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from neonpay.core import limits
from neonpay.core.payload import PREFIX, InvoiceRef, PayloadCodec, is_ours
from neonpay.core.stages import STAGE_ID_MAX_BYTES, checked_stage_id
from neonpay.errors import ForeignPayloadError, ForgedPayloadError, PayloadError, ValidationError

BOT_ID = 7_000_000_001
OLD, NEW, STRANGE = b"old" * 11, b"new" * 11, b"strange" * 5
CODEC = PayloadCodec(BOT_ID, [NEW, OLD])


def is_legal(stage_id: str) -> bool:
    try:
        checked_stage_id(stage_id)
    except ValidationError:
        return False
    return True


stage_ids = st.one_of(
    st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=STAGE_ID_MAX_BYTES),
    st.text(".-_:/0a", min_size=1, max_size=STAGE_ID_MAX_BYTES),
    st.text("🌟ш.", min_size=1, max_size=STAGE_ID_MAX_BYTES // 2),
).filter(is_legal)
prices = st.integers(limits.PRICE_MIN_STARS, limits.PRICE_MAX_STARS)
invoice_ids = st.binary(min_size=16, max_size=16).map(lambda raw: urlsafe_b64encode(raw)[:22].decode())
refs = st.builds(InvoiceRef, invoice_ids, stage_ids, prices)
keys = st.binary(min_size=1, max_size=64)


def signed(ref: InvoiceRef, codec: PayloadCodec = CODEC) -> str:
    return codec.encode(ref.invoice_id, stage_id=ref.stage_id, price_stars=ref.price_stars)


@given(refs)
@example(InvoiceRef("A" * 22, "x" * STAGE_ID_MAX_BYTES, limits.PRICE_MAX_STARS))
@example(InvoiceRef("A" * 22, "🌟" * (STAGE_ID_MAX_BYTES // 4), limits.PRICE_MIN_STARS))
@example(InvoiceRef("-" * 22, "." * STAGE_ID_MAX_BYTES, 36))
def test_a_payload_says_what_was_signed_and_fits_into_telegrams_128_bytes(ref: InvoiceRef) -> None:
    payload = signed(ref)
    assert CODEC.decode(payload) == ref
    assert is_ours(payload)
    assert limits.PAYLOAD_MIN_BYTES <= len(payload.encode()) <= limits.PAYLOAD_MAX_BYTES


@given(refs)
def test_one_invoice_has_one_payload(ref: InvoiceRef) -> None:
    assert signed(ref) == signed(ref)


@given(refs, st.data())
def test_a_payload_with_any_bit_flipped_is_refused(ref: InvoiceRef, data: st.DataObject) -> None:
    raw = bytearray(signed(ref).encode())
    bit = data.draw(st.integers(0, len(raw) * 8 - 1), label="bit")
    raw[bit // 8] ^= 1 << bit % 8
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return  # never reaches us: Telegram carries text
    with pytest.raises(PayloadError):
        CODEC.decode(text)


def test_every_single_bit_of_a_payload_is_covered() -> None:
    payload = signed(InvoiceRef("A" * 22, "premium.чай", 500)).encode()
    survivors = []
    for bit in range(len(payload) * 8):
        flipped = bytearray(payload)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            CODEC.decode(flipped.decode())
        except (PayloadError, UnicodeDecodeError):
            continue
        survivors.append(bit)
    assert survivors == []


@given(refs, st.data())
def test_a_payload_that_lost_its_end_is_refused(ref: InvoiceRef, data: st.DataObject) -> None:
    payload = signed(ref)
    length = data.draw(st.integers(0, len(payload) - 1), label="length")
    with pytest.raises(PayloadError):
        CODEC.decode(payload[:length])


@given(refs, st.text(min_size=1, max_size=8))
def test_a_payload_that_gained_an_end_is_refused(ref: InvoiceRef, more: str) -> None:
    with pytest.raises(ForgedPayloadError):
        CODEC.decode(signed(ref) + more)


@given(refs, refs)
def test_the_signature_of_one_invoice_does_not_sign_another(ref: InvoiceRef, other: InvoiceRef) -> None:
    payload, another = signed(ref), signed(other)
    head = len(PREFIX) + 22
    mixed = payload[:head] + another[head:]
    if ref == other:
        assert CODEC.decode(mixed) == ref
    else:
        with pytest.raises(ForgedPayloadError):
            CODEC.decode(mixed)


@given(refs, keys)
def test_a_payload_signed_before_a_key_changed_still_verifies(ref: InvoiceRef, key: bytes) -> None:
    before = signed(ref, PayloadCodec(BOT_ID, [OLD]))
    assert PayloadCodec(BOT_ID, [NEW, key, OLD]).decode(before) == ref


@given(refs)
def test_the_newest_key_signs(ref: InvoiceRef) -> None:
    assert signed(ref) == signed(ref, PayloadCodec(BOT_ID, [NEW]))
    with pytest.raises(ForgedPayloadError):
        PayloadCodec(BOT_ID, [OLD]).decode(signed(ref))


@given(refs)
def test_a_key_that_was_dropped_verifies_nothing_any_more(ref: InvoiceRef) -> None:
    with pytest.raises(ForgedPayloadError):
        CODEC.decode(signed(ref, PayloadCodec(BOT_ID, [STRANGE])))


@given(refs, st.integers(0, 2**52).filter(lambda bot_id: bot_id != BOT_ID))
def test_a_payload_of_one_bot_does_not_verify_for_another(ref: InvoiceRef, other_bot_id: int) -> None:
    with pytest.raises(ForgedPayloadError):
        PayloadCodec(other_bot_id, [NEW, OLD]).decode(signed(ref))


@given(
    st.one_of(
        st.text(st.characters(exclude_categories=[]), max_size=200),
        st.builds(lambda rest: PREFIX + rest, st.text(st.characters(exclude_categories=[]), max_size=200)),
        st.builds(
            lambda tag, body: f"{PREFIX}{tag}.{body}", st.text("A-_", min_size=22, max_size=22), st.text(max_size=90)
        ),
    )
)
@example("")
@example(PREFIX)
@example(PREFIX + "." * 124)
@example(PREFIX + "\ud800" * 40)
def test_no_text_raises_anything_but_a_payload_error(text: str) -> None:
    with pytest.raises(PayloadError) as refused:
        CODEC.decode(text)
    assert isinstance(refused.value, ForgedPayloadError if is_ours(text) else ForeignPayloadError)
    assert not text or text not in str(refused.value) or len(text) < 24


@pytest.mark.parametrize("payload", [None, "", "order-17", '{"plan":"np1."}', "np2." + "a" * 60, PREFIX + "a" * 22])
def test_what_the_host_bot_made_itself_is_not_ours(payload: str | None) -> None:
    assert not is_ours(payload)


def test_a_codec_needs_a_key() -> None:
    with pytest.raises(ValueError, match="at least one key"):
        PayloadCodec(BOT_ID, [])


@pytest.mark.parametrize("price_stars", [-1, limits.PRICE_MAX_STARS + 1])
def test_a_price_that_no_stage_may_have_is_not_signed(price_stars: int) -> None:
    with pytest.raises(ValueError, match="price_stars must be"):
        CODEC.encode("A" * 22, stage_id="coffee", price_stars=price_stars)


def test_a_codec_does_not_show_its_keys() -> None:
    assert repr(CODEC) == "<PayloadCodec with 2 keys>"

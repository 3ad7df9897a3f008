"""What may be sold: payment stages and the registry that holds them."""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from urllib.parse import urlsplit

from neonpay.core import jsontext, limits
from neonpay.core.jsontext import JsonObject
from neonpay.errors import StageExistsError, StageLimitError, StageNotFoundError, ValidationError

STAGE_ID_MAX_BYTES = 64
"""Longest stage id in UTF-8: it travels inside the 128 bytes of the invoice payload (see ``payload.py``)."""

_START_PARAMETER = re.compile(r"[A-Za-z0-9_-]+")


class RepeatPolicy(enum.StrEnum):
    """What a second payment of one invoice means.

    Telegram lets any invoice be paid many times, by anyone (https://github.com/tdlib/telegram-bot-api/issues/603, read
    2026-11-20), so every stage has an answer.
    """

    AGAIN = "again"
    """Sell once more: handlers run as for the first payment."""
    EXTEND = "extend"
    """Handlers run, and ``result.is_extension`` tells them to prolong what the first payment gave."""
    REFUND = "refund"
    """The Stars go back; handlers do not run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPolicy:
    """What a buyer's request for a refund meets.

    Attributes:
        window_days: days from the payment within which a buyer may ask, 1–3650; None for ever. Later requests are refused.
        automatic: whether a request inside the window is granted at once; otherwise a person decides.

    Raises:
        ValidationError: ``window_days`` breaks its bound.
    """

    window_days: int | None = 14
    automatic: bool = True

    def __post_init__(self) -> None:
        if self.window_days is not None:
            _whole("window_days", self.window_days, 1, 3650, "days")
        if not isinstance(self.automatic, bool):
            raise ValidationError("automatic", self.automatic, "True or False")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentStage:
    """One thing that may be bought for Telegram Stars.

    Attributes:
        title: name on the invoice, 1–32 characters.
        description: text on the invoice, 1–255 characters.
        price: whole Stars.
        label: the one price line of the invoice.
        photo_url: picture on the invoice, http or https.
        payload: your own JSON data; it comes back as ``result.metadata`` and never travels through Telegram.
        start_parameter: when set, forwarded copies of the invoice open the bot with this deep link; when None they keep
            their Pay button.
        repeat: what a second payment of the same invoice means.
        max_payments: payments that one invoice takes, people who are paying included; None for no limit. Renewals of a
            subscription do not count, and a refund makes no room.
        invoice_ttl_s: seconds after which an unpaid invoice is declined at checkout; None for never.
        refund_policy: what a buyer's request for a refund meets; None leaves every request to a person.
        price_range: the least and the most Stars that ``send_payment(price_stars=…)`` may ask for it, such as for a donation;
            None when ``price`` is its only price.

    Raises:
        ValidationError: a value breaks its bound; the error names field, bound and value.
    """

    title: str
    description: str
    price: int
    label: str = "Payment"
    photo_url: str | None = None
    payload: JsonObject = field(default_factory=dict)
    start_parameter: str | None = None
    repeat: RepeatPolicy = RepeatPolicy.AGAIN
    max_payments: int | None = None
    invoice_ttl_s: int | None = None
    refund_policy: RefundPolicy | None = None
    price_range: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        _text("title", self.title, limits.TITLE_MIN_CHARS, limits.TITLE_MAX_CHARS)
        _text("description", self.description, limits.DESCRIPTION_MIN_CHARS, limits.DESCRIPTION_MAX_CHARS)
        _whole("price", self.price, limits.PRICE_MIN_STARS, limits.PRICE_MAX_STARS, "Stars")
        _text("label", self.label, 1, limits.MESSAGE_TEXT_MAX_CHARS)
        if self.photo_url is not None:
            _url("photo_url", self.photo_url)
        if self.start_parameter is not None:
            _start_parameter(self.start_parameter)
        if self.max_payments is not None:
            _whole("max_payments", self.max_payments, 1, 2**31 - 1, "payments")
        if self.invoice_ttl_s is not None:
            _whole("invoice_ttl_s", self.invoice_ttl_s, 1, 10 * 365 * 86_400, "seconds")
        try:
            object.__setattr__(self, "repeat", RepeatPolicy(self.repeat))
        except ValueError as exc:
            raise ValidationError("repeat", self.repeat, f"one of {[str(p) for p in RepeatPolicy]}") from exc
        object.__setattr__(self, "payload", frozen_json("payload", self.payload))
        if self.refund_policy is not None and not isinstance(self.refund_policy, RefundPolicy):
            raise ValidationError("refund_policy", self.refund_policy, "a RefundPolicy")
        if self.price_range is not None:
            object.__setattr__(self, "price_range", _price_range(self.price_range, self.price))

    def price_at(self, price_stars: int | None) -> int:
        """The price of an offer that asks for so many Stars; ``price`` when it asks for none.

        Raises:
            ValidationError: the stage does not allow it.
        """
        if price_stars is None:
            return self.price
        if self.price_range is None and price_stars != self.price:
            bound = f"{self.price}, the stage's only price; to ask for others, give the stage price_range=(least, most)"
            raise ValidationError("price_stars", price_stars, bound)
        least, most = self.price_range or (self.price, self.price)
        _whole("price_stars", price_stars, least, most, "Stars")
        return price_stars

    def to_json(self) -> str:
        """The stage as JSON text; equal stages give equal text."""
        content = {f.name: getattr(self, f.name) for f in fields(self)}
        # Left out when they are None, so that stages of before these fields keep their digests.
        policy, price_range = content.pop("refund_policy"), content.pop("price_range")
        if policy is not None:
            content["refund_policy"] = {f.name: getattr(policy, f.name) for f in fields(policy)}
        if price_range is not None:
            content["price_range"] = list(price_range)
        return jsontext.dump({**content, "payload": dict(self.payload)})

    @classmethod
    def from_json(cls, text: str) -> PaymentStage:
        """The stage that ``to_json`` wrote; what a later version added to it is passed over."""
        known = {field.name for field in fields(cls)}
        content: dict[str, object] = {k: v for k, v in jsontext.load_object(text).items() if k in known}
        policy = content.get("refund_policy")
        if isinstance(policy, Mapping):
            content["refund_policy"] = RefundPolicy(**policy)
        return cls(**content)  # type: ignore[arg-type]  # checked field by field in __post_init__

    @property
    def digest(self) -> str:
        """Short fingerprint of the whole content; another content is another version of the stage."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:32]


class StageRegistry:
    """The stages on sale, by id.

    Args:
        max_stages: most stages that may be held at once.
    """

    def __init__(self, *, max_stages: int = 100) -> None:
        _whole("max_stages", max_stages, 1, 1_000_000, "stages")
        self.max_stages = max_stages
        self._stages: dict[str, PaymentStage] = {}
        self.removed: set[str] = set()
        """Stages that were taken off sale here."""
        self._unsaid: dict[str, bool] = {}
        self._told: list[Callable[[], None]] = []

    def tell(self, of_change: Callable[[], None]) -> None:
        """Call ``of_change`` each time that a stage is put on sale or taken off."""
        self._told.append(of_change)

    def take_unsaid(self) -> dict[str, bool]:
        """Which stages were put on sale, or taken off, since this was last asked."""
        unsaid, self._unsaid = self._unsaid, {}
        return unsaid

    def put_back_unsaid(self, unsaid: Mapping[str, bool]) -> None:
        """What was taken could not be told on; what has changed meanwhile holds."""
        self._unsaid = {**unsaid, **self._unsaid}

    def _note(self, stage_id: str, *, on_sale: bool) -> None:
        self.removed.discard(stage_id) if on_sale else self.removed.add(stage_id)
        self._unsaid[stage_id] = on_sale
        for tell in self._told:
            tell()

    def create(self, stage_id: str, stage: PaymentStage) -> PaymentStage:
        """Put a stage on sale.

        Raises:
            ValidationError: the id is empty, longer than 64 bytes of UTF-8, or holds spaces or control characters.
            StageExistsError: the id is taken.
            StageLimitError: the registry is full.
        """
        checked_stage_id(stage_id)
        if not isinstance(stage, PaymentStage):
            raise ValidationError("stage", stage, "a PaymentStage")
        if stage_id in self._stages:
            raise StageExistsError(stage_id)
        if len(self._stages) >= self.max_stages:
            raise StageLimitError(stage_id, self.max_stages)
        self._stages[stage_id] = stage
        self._note(stage_id, on_sale=True)
        return stage

    def replace(self, stage_id: str, stage: PaymentStage) -> PaymentStage:
        """Sell ``stage`` under an id that exists from now on; invoices made earlier keep their price.

        Raises:
            StageNotFoundError: no stage has this id.
        """
        if not isinstance(stage, PaymentStage):
            raise ValidationError("stage", stage, "a PaymentStage")
        self.get(stage_id)
        self._stages[stage_id] = stage
        return stage

    def get(self, stage_id: str) -> PaymentStage:
        """The stage with this id.

        Raises:
            StageNotFoundError: no stage has this id.
        """
        try:
            return self._stages[stage_id]
        except KeyError as exc:
            raise StageNotFoundError(stage_id) from exc

    def find(self, stage_id: str) -> PaymentStage | None:
        """The stage with this id, or None."""
        return self._stages.get(stage_id)

    def list(self) -> Mapping[str, PaymentStage]:
        """All stages by id, in the order in which they were created; a copy."""
        return MappingProxyType(dict(self._stages))

    def remove(self, stage_id: str) -> PaymentStage:
        """Take a stage off sale; its unpaid invoices are declined at checkout, in all programs of the shop.

        Returns what was removed. A program that creates the stage again puts it on sale again.

        Raises:
            StageNotFoundError: no stage has this id.
        """
        stage = self.get(stage_id)
        del self._stages[stage_id]
        self._note(stage_id, on_sale=False)
        return stage

    def __contains__(self, stage_id: object) -> bool:
        return stage_id in self._stages

    def __len__(self) -> int:
        return len(self._stages)


def checked_stage_id(stage_id: object) -> str:
    """The id, when it may name a stage; raises ValidationError otherwise."""
    bound = f"1–{STAGE_ID_MAX_BYTES} bytes of UTF-8 without spaces or control characters"
    if not isinstance(stage_id, str) or not stage_id:
        raise ValidationError("stage_id", stage_id, bound)
    if any(not c.isprintable() or c.isspace() for c in stage_id) or len(stage_id.encode()) > STAGE_ID_MAX_BYTES:
        raise ValidationError("stage_id", stage_id, bound)
    return stage_id


def frozen_json(name: str, value: object) -> JsonObject:
    """A read-only copy of a JSON object; raises ValidationError when the value is not one."""
    if not isinstance(value, Mapping):
        raise ValidationError(name, value, "a JSON object")
    try:
        _check_keys(value)
        text = jsontext.dump(dict(value))
        text.encode()  # half of a surrogate pair is text to Python and to nobody else
        return MappingProxyType(jsontext.load_object(text))
    except (TypeError, ValueError, RecursionError) as exc:
        raise ValidationError(name, value, f"a JSON object with text keys ({exc})") from exc


def _check_keys(value: object) -> None:
    # json.dumps would write the key 1 as "1", and the data would come back other than it was given.
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                msg = f"{key!r} is a key"
                raise TypeError(msg)
            _check_keys(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_keys(inner)


def _text(name: str, value: object, least: int, most: int) -> None:
    bound = f"{least}–{most} characters and not blank"
    if not isinstance(value, str) or not least <= len(value) <= most or not value.strip():
        raise ValidationError(name, value, bound)
    try:
        value.encode()
    except UnicodeEncodeError as exc:
        raise ValidationError(name, value, f"{bound}, all of them Unicode") from exc


def _whole(name: str, value: object, least: int, most: int, unit: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValidationError(name, value, f"a whole number of {unit} from {least} to {most}")


def _price_range(value: object, price: int) -> tuple[int, int]:
    bound = f"two whole numbers of Stars, the least and the most, with the price of {price} between them"
    if not isinstance(value, tuple | list) or len(value) != 2:  # noqa: PLR2004  # a pair
        raise ValidationError("price_range", value, bound)
    least, most = value
    for end in (least, most):
        _whole("price_range", end, limits.PRICE_MIN_STARS, limits.PRICE_MAX_STARS, "Stars")
    if not least <= price <= most:
        raise ValidationError("price_range", value, bound)
    return least, most


def _url(name: str, value: object) -> None:
    bound = "an http or https URL"
    if not isinstance(value, str):
        raise ValidationError(name, value, bound)
    try:
        parts = urlsplit(value)
    except ValueError as exc:
        raise ValidationError(name, value, bound) from exc
    if parts.scheme not in {"http", "https"} or not parts.netloc or any(c.isspace() for c in value):
        raise ValidationError(name, value, bound)


def _start_parameter(value: object) -> None:
    most = limits.START_PARAMETER_MAX_CHARS
    if not isinstance(value, str) or len(value) > most or not _START_PARAMETER.fullmatch(value):
        raise ValidationError("start_parameter", value, f"1–{most} characters of A-Z, a-z, 0-9, _ and -")

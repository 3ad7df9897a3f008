"""What the control API can be told to do: the bodies of its requests. Unknown fields are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from neonpay.errors import SimulatorError
from neonpay.simulator.clock import in_seconds
from neonpay.simulator.faults import FaultKind, When
from neonpay.simulator.people.treasury import MovementKind

if TYPE_CHECKING:
    from aiohttp import web

OrderT = TypeVar("OrderT", bound=BaseModel)

BODY_MAX_BYTES: Final = 64 * 1024
"""Largest body that the control API reads."""
Name = Annotated[str, Field(min_length=1, max_length=64)]
WaitSeconds = Annotated[float, Field(gt=0, le=120)]
Span = Annotated[float, Field(ge=0, allow_inf_nan=False)]
ADVANCE_MAX_S: Final = 400 * 86_400
"""Most virtual time that one order lets pass."""


async def read(request: web.Request, order: type[OrderT], *, max_bytes: int = BODY_MAX_BYTES) -> OrderT:
    """Read the body of a request.

    Raises:
        SimulatorError: it is too large.
        ValidationError: it is not such an order.
    """
    body = bytearray()
    while len(body) <= max_bytes and (more := await request.content.read(max_bytes + 1 - len(body))):
        body += more
    if len(body) > max_bytes:
        raise SimulatorError(f"the body is larger than {max_bytes} bytes")
    return order.model_validate_json(bytes(body) or b"{}")


class Order(BaseModel):
    """Base of all."""

    # Built when the first such order comes: nobody gives all of them, and whoever starts waits for all of them otherwise.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class NewUser(Order):
    """A new person."""

    name: Name
    stars: Annotated[int, Field(ge=0, le=10**12)] = 0
    id: Annotated[int, Field(gt=0, lt=2**52)] | None = None
    username: Name | None = None
    language_code: Name = "en"


class NewBot(Order):
    """A new bot; its token is the one given here and is not told again."""

    username: Name
    token: Annotated[str, Field(min_length=1, max_length=100)]
    name: Name | None = None


class ToSomewhere(Order):
    """Base of what is sent to a bot, or into a group by its id, there in a topic of a forum or not."""

    bot: Name | None = None
    group: int | None = None
    topic: int | None = None

    @model_validator(mode="after")
    def _names_one_place(self) -> Self:
        if (self.bot is None) == (self.group is None):
            raise SimulatorError("give bot or group")
        if self.topic is not None and self.group is None:
            raise SimulatorError("give the group of the topic")
        return self


class Says(ToSomewhere):
    """Write to a bot or into a group, in reply to a message or not."""

    text: Annotated[str, Field(min_length=1, max_length=4096)]
    reply_to: int | None = None


class Presses(Order):
    """Press a button under a message, named by its text or by where it is in the inline keyboard."""

    message_id: int
    button: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    place: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]] | None = None
    wait: bool = True
    timeout_s: WaitSeconds = 5.0


class Follows(Order):
    """Open a t.me link: an invoice, or a bot with a start parameter."""

    url: Annotated[str, Field(min_length=1, max_length=2048)]


class Receives(Order):
    """Get a forwarded copy of a message."""

    message_id: int


class Pays(Order):
    """Pay an invoice, by message or by link."""

    message_id: int | None = None
    link: Annotated[str, Field(max_length=256)] | None = None
    timeout_s: WaitSeconds = 15.0

    @model_validator(mode="after")
    def _names_one_invoice(self) -> Pays:
        if (self.message_id is None) == (self.link is None):
            raise SimulatorError("give message_id or link")
        return self


class Opens(Order):
    """Open an invoice, by message or by link, and see its form."""

    message_id: int | None = None
    link: Annotated[str, Field(max_length=256)] | None = None

    @model_validator(mode="after")
    def _names_one_invoice(self) -> Opens:
        if (self.message_id is None) == (self.link is None):
            raise SimulatorError("give message_id or link")
        return self


class Begins(Order):
    """Press Pay in an opened form, and do not wait for the bot."""

    form: int


class Answers(Order):
    """Answer a pre-checkout query in the bot's place."""

    ok: bool
    error_message: Annotated[str, Field(min_length=1, max_length=4096)] = "Declined by hand"


class Balance(Order):
    """Set a person's balance."""

    stars: Annotated[int, Field(ge=0, le=10**12)]


class Stars(Order):
    """Top a balance up."""

    stars: Annotated[int, Field(gt=0, le=10**12)]


class Moves(Order):
    """Move Stars of a bot beside its invoices."""

    kind: MovementKind
    stars: Annotated[int, Field(ge=0, le=10**12)]
    nanostars: Annotated[int, Field(ge=0, lt=10**9)] = 0
    user: int | None = None
    ends: Literal["pending", "succeeded", "failed"] = "pending"


class Blocks(Order):
    """Block a bot, or take it back."""

    bot: Name
    blocked: bool = True


class Advance(Order):
    """Let virtual time pass: the sum of what is given, at most 400 days."""

    seconds: Span = 0
    minutes: Span = 0
    hours: Span = 0
    days: Span = 0

    def total_s(self) -> float:
        """Seconds.

        Raises:
            SimulatorError: nothing is given, or more than 400 days.
        """
        if not self.model_fields_set:
            raise SimulatorError("say how long: seconds, minutes, hours or days")
        total = in_seconds(self.seconds, minutes=self.minutes, hours=self.hours, days=self.days)
        if total > ADVANCE_MAX_S:
            raise SimulatorError("at most 400 days pass at once")
        return total


class Nothing(Order):
    """An order that needs no words."""


class NewFault(Order):
    """Something that will go wrong."""

    kind: FaultKind
    target: Name = "*"
    bot: Name | None = None
    times: Annotated[int, Field(ge=1, le=1_000_000)] | None = 1
    probability: Annotated[float, Field(gt=0, le=1)] = 1.0
    for_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    error_code: Annotated[int, Field(ge=400, le=599)] = 500
    description: Annotated[str, Field(max_length=256)] | None = None
    retry_after_s: Annotated[int, Field(ge=0, le=100_000)] | None = None
    delay_s: Annotated[float, Field(gt=0, le=ADVANCE_MAX_S)] | None = None
    real: bool = False
    answer_only: bool = False
    passed_by: Annotated[int, Field(ge=1, le=1_000)] = 1

    @model_validator(mode="after")
    def _has_words_of_its_kind_only(self) -> NewFault:
        of_kind = {
            "fail": {"error_code", "description", "retry_after_s"},
            "slow": {"delay_s", "real", "answer_only"},
            "reorder": {"passed_by"},
        }
        for kind, names in of_kind.items():
            if kind != self.kind and (strange := names & self.model_fields_set):
                raise SimulatorError(f"{', '.join(sorted(strange))}: only a fault of kind {kind!r} has that")
        if self.kind == "slow" and self.delay_s is None:
            raise SimulatorError("a fault of kind 'slow' needs delay_s")
        return self

    def when(self) -> When:
        """Which calls or updates meet it."""
        return {"times": self.times, "probability": self.probability, "for_s": self.for_s, "bot": self.bot}

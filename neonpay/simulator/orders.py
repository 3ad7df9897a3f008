"""What the control API can be told to do: the bodies of its requests. Unknown fields are refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from neonpay.errors import SimulatorError
from neonpay.simulator.treasury import MovementKind

Name = Annotated[str, Field(min_length=1, max_length=64)]
WaitSeconds = Annotated[float, Field(gt=0, le=120)]


class Order(BaseModel):
    """Base of all."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


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


class Says(Order):
    """Write to a bot."""

    bot: Name
    text: Annotated[str, Field(min_length=1, max_length=4096)]


class Presses(Order):
    """Press a button under a message."""

    message_id: int
    button: Annotated[str, Field(min_length=1, max_length=256)]
    wait: bool = True
    timeout_s: WaitSeconds = 5.0


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
    """What becomes of a withdrawal."""


class Blocks(Order):
    """Block a bot, or take it back."""

    bot: Name
    blocked: bool = True


class Advance(Order):
    """Let virtual time pass."""

    seconds: Annotated[float, Field(ge=0, le=400 * 86_400, allow_inf_nan=False)]


class NewFault(Order):
    """Something that will go wrong."""

    method: Name
    kind: Literal["fail", "lose_answer", "drop_connection"]
    times: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    error_code: Annotated[int, Field(ge=400, le=599)] = 500
    description: Annotated[str, Field(max_length=256)] | None = None
    retry_after_s: Annotated[int, Field(ge=0, le=100_000)] | None = None

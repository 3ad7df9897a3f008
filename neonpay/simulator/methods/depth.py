"""How deep each method is simulated, said beside its code and shown in the documentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

MethodT = TypeVar("MethodT", bound="Callable[..., object]")

_NAME: Final = "__simulated__"


@dataclass(frozen=True, slots=True)
class Depth:
    """What a simulated method does.

    Attributes:
        does: what it does of what Telegram does; sentences in Markdown.
        refuses: what it refuses with 501 though Telegram does it, or refuses as Telegram does and is worth knowing.
    """

    does: str
    refuses: str = ""


def simulated(does: str, *, refuses: str = "") -> Callable[[MethodT], MethodT]:
    """Say of a method how deep it is simulated."""

    def keep(method: MethodT) -> MethodT:
        method.__dict__[_NAME] = Depth(does, refuses)
        return method

    return keep


def depth_of(method: Callable[..., object]) -> Depth | None:
    """What was said of a method; None when nothing was."""
    depth = method.__dict__.get(_NAME)
    return depth if isinstance(depth, Depth) else None

"""What happened, by name."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, dataclass

import pytest

from neonpay.core import events
from neonpay.core.clock import moment
from neonpay.core.events import Event, event_names, event_of, event_type
from neonpay.errors import ValidationError

KINDS = [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event) and kind.name]


@pytest.mark.parametrize("kind", KINDS)
def test_an_events_name_is_its_class_in_snake_case(kind: type[Event]) -> None:
    assert kind.name == re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
    assert event_type(kind.name) is kind
    assert event_type(kind) is kind


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_says_what_happened_in_its_docstring(kind: type[Event]) -> None:
    assert kind.__doc__
    assert kind.__doc__ != Event.__doc__


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_does_not_change(kind: type[Event]) -> None:
    event = kind(bot_id=1, event_id="0" * 32, at=moment(0))
    with pytest.raises(FrozenInstanceError):
        event.amount_stars = 1  # type: ignore[misc]  # the rule
    assert not hasattr(event, "__dict__")


def test_events_are_told_apart_by_kind_and_content() -> None:
    def completed(bot_id: int) -> Event:
        return events.PaymentCompleted(bot_id=bot_id, event_id="0" * 32, at=moment(0))

    assert completed(1) == completed(1)
    assert completed(1) != completed(2)
    assert completed(1) != events.PaymentRefunded(bot_id=1, event_id="0" * 32, at=moment(0))


def test_a_new_kind_of_event_enters_itself() -> None:
    class BadgeGiven(Event):
        """A buyer has got a badge."""

        __slots__ = ()
        name = "badge_given"

    assert event_type("badge_given") is BadgeGiven
    assert "badge_given" in event_names()


def test_what_several_kinds_have_in_common_is_no_kind() -> None:
    names = event_names()
    for _ in range(2):
        type("Common", (Event,), {"__slots__": ()})
    type("OtherCommon", (events.PaymentCompleted,), {"__slots__": ()})
    assert event_names() == names
    assert event_type("payment_completed") is events.PaymentCompleted


def test_two_kinds_of_events_have_two_names() -> None:
    with pytest.raises(TypeError, match="payment_completed"):
        type("Another", (Event,), {"__slots__": (), "name": "payment_completed"})


def test_the_base_class_stands_for_every_event() -> None:
    assert event_type(Event) is Event


@pytest.mark.parametrize("unknown", ["payment_complete", "", "PaymentCompleted", None, 1, int, object()])
def test_any_other_name_is_refused_with_the_names_there_are(unknown: object) -> None:
    with pytest.raises(ValidationError, match=r"^event must be one of .*payment_completed") as refused:
        event_type(unknown)  # type: ignore[arg-type]  # wrong values are what is tested
    assert refused.value.value == unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelSent(Event):
    name = "parcel_sent"

    tracking: str = ""
    boxes: int = 0


def test_what_a_kind_of_event_has_of_its_own_is_kept_as_its_data_and_read_back() -> None:
    common = {"bot_id": 1, "event_id": "e", "at": moment(1), "charge_id": "c"}
    sent = ParcelSent(tracking="RR1", boxes=2, **common)  # type: ignore[arg-type]
    assert sent.data == {"tracking": "RR1", "boxes": 2}
    assert event_of("parcel_sent", sent.data, **common) == sent
    newer = {**sent.data, "colour": "red"}
    assert event_of("parcel_sent", newer, **common) == sent, "what a newer program has written is passed over"
    assert event_of("payment_completed", {}, **common).data == {}

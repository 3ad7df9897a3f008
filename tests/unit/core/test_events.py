"""What happened, by name."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError

import pytest

from neonpay.core import events
from neonpay.core.clock import moment
from neonpay.core.events import EVENTS, Event, event_type
from neonpay.errors import ValidationError


def test_every_event_class_is_in_the_table_of_events() -> None:
    classes = {kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event)}
    assert set(EVENTS.values()) == classes - {Event}


@pytest.mark.parametrize("kind", EVENTS.values())
def test_an_events_name_is_its_class_in_snake_case(kind: type[Event]) -> None:
    assert kind.name == re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
    assert EVENTS[kind.name] is kind


@pytest.mark.parametrize("kind", EVENTS.values())
def test_an_event_says_what_happened_in_its_docstring(kind: type[Event]) -> None:
    assert kind.__doc__
    assert kind.__doc__ != Event.__doc__


@pytest.mark.parametrize("kind", EVENTS.values())
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


def test_nobody_adds_to_the_table_of_events() -> None:
    with pytest.raises(TypeError):
        EVENTS["new"] = Event  # type: ignore[index]  # the rule


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_named_by_its_name_or_its_class(name: str) -> None:
    assert event_type(name) is EVENTS[name]
    assert event_type(EVENTS[name]) is EVENTS[name]


def test_the_base_class_stands_for_every_event() -> None:
    assert event_type(Event) is Event


@pytest.mark.parametrize("unknown", ["payment_complete", "", "PaymentCompleted", None, 1, int, object()])
def test_any_other_name_is_refused_with_the_names_there_are(unknown: object) -> None:
    with pytest.raises(ValidationError, match=r"^event must be one of .*payment_completed") as refused:
        event_type(unknown)  # type: ignore[arg-type]  # wrong values are what is tested
    assert refused.value.value == unknown

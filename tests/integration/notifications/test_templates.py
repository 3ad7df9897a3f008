"""A text that asks a number or a text for what it has not is refused when it is defined; what may have parts keeps them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from neonpay.core.events import Event
from neonpay.errors import ConfigurationError
from neonpay.notifications import (
    NotificationConfig,
    NotificationManager,
    NotificationMessage,
    Notifications,
    NotificationType,
    Rule,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Shop
    from tests.integration.notifications.conftest import Receiver

ONE_ENGINE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # which of them does not matter
TELEGRAM = NotificationType.TELEGRAM


@dataclass(frozen=True, slots=True, kw_only=True)
class TableBooked(Event):
    """An event of somebody else's, which has a number, a text that may be missing, and parts."""

    name = "table_booked"
    seats: int = 0
    note: str | None = None
    guest: dict[str, Any] = field(default_factory=dict)


def add(manager: NotificationManager, body: str, *variables: str) -> None:
    manager.add_custom_template("mine", TELEGRAM, "", body, variables)


@pytest.mark.parametrize("body", ["{% include 'other' %}", "{% import 'other' as o %}", "{% extends guest %}"])
def test_a_text_that_asks_for_another_file_is_refused_when_it_is_added(body: str) -> None:
    with pytest.raises(ConfigurationError, match="there are no other texts for it to take in"):
        add(NotificationManager(), body, "guest")


@pytest.mark.parametrize("body", ["{{ guest.__class__ }}", "{{ guest['__class__'] }}", "{{ guest._name }}"])
def test_a_part_that_no_text_may_see_is_refused_when_it_is_added(body: str) -> None:
    with pytest.raises(ConfigurationError, match=r"shows guest\._+\w+, which no text may"):
        add(NotificationManager(), body, "guest")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "{{ user_id.nmae }}",
            r"shows user_id\.nmae, and user_id is a number, which has no nmae; write {{ user_id }}$",
        ),
        ("{{ user_id['nmae'] }}", r"shows user_id\.nmae"),
        ("{% if user_id.nmae %}-{% endif %}", r"shows user_id\.nmae"),
        ("{{ user_id.nmae | default('-') }}", r"shows user_id\.nmae"),
        ("{{ user_id.__class__ }}", r"shows user_id\.__class__"),
        ("{{ charge_id.uper() }}", r"charge_id is a text, which has no uper; did you mean charge_id\.upper\?$"),
        ("{{ stage_id }}\n{{ amount_stars.total }}", r"shows amount_stars\.total.* write {{ amount_stars }}$"),
    ],
)
def test_a_part_of_what_has_none_is_refused_when_the_text_is_added(body: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        add(NotificationManager(), body, "user_id", "charge_id", "stage_id", "amount_stars")


async def test_what_may_have_parts_shows_them(receiver: Receiver) -> None:
    body = (
        "{{ user.name }}, {{ at.year }}, {{ charge_id.upper() }}, {{ charge_id[:2] }}, "
        "{% for user_id in users %}{{ user_id.name }}{% endfor %}"
    )
    values = {"user": {"name": "Ann"}, "at": {"year": 2026}, "charge_id": "stx7", "users": [{"name": "Bob"}]}
    async with NotificationManager(NotificationConfig(webhook_url=receiver.url)) as manager:
        add(manager, body, *values)
        message = NotificationMessage(NotificationType.WEBHOOK, "", template_name="mine", variables=values)
        await manager.send_notification(message)
    (post,) = receiver.got
    assert b"Ann, 2026, STX7, st, Bob" in post.body


@ONE_ENGINE
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "{{ at.hour }}",
            r"rule 'booked' writes table_booked by template 'mine', which shows at\.hour, and at is a text",
        ),
        ("{{ details.first }}", r"shows details\.first, and details is a text"),
        ("{{ seats.free }}", r"shows seats\.free, and seats is a number, which has no free; write {{ seats }}"),
        ("{{ note.lenght }}", r"shows note\.lenght"),
    ],
)
async def test_a_rule_whose_text_asks_a_plain_value_for_a_part_is_refused_when_the_program_starts(
    open_shop: Callable[..., Shop], body: str, words: str
) -> None:
    shop = open_shop()
    rule = Rule(name="booked", events=frozenset({"table_booked"}), template="mine")
    extension = shop.neonpay.use(Notifications(rules=[rule], owners=[7]))
    add(NotificationManager(notifications=extension), body, "at", "details", "seats", "note")
    with pytest.raises(ConfigurationError, match=words):
        await shop.neonpay.setup()


@ONE_ENGINE
async def test_a_rule_may_show_parts_of_what_an_event_has_in_parts(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()
    rule = Rule(name="booked", events=frozenset({"table_booked"}), template="mine")
    extension = shop.neonpay.use(Notifications(rules=[rule], owners=[7]))
    add(NotificationManager(notifications=extension), "{{ guest.name }} {{ note.title() }}", "guest", "note")
    async with shop.neonpay:
        assert extension.templates.has("mine")


@ONE_ENGINE
@pytest.mark.parametrize(
    ("about", "text", "words"),
    [
        ("payment_completed", "{{ user_id.nmae }}", r"shows user_id\.nmae"),
        ("payment_completed", "{{ product_name.tilte() }}", r"did you mean product_name\.title\?"),
        ("daily", "{{ net_stars.before }}", r"net_stars is a number, which has no before"),
        ("loop", "{{ name }} {{ error.type }}", r"error is a text, which has no type"),
    ],
)
def test_a_text_of_an_alert_that_asks_a_plain_value_for_a_part_is_refused_at_once(
    open_shop: Callable[..., Shop], about: str, text: str, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        open_shop().neonpay.enable_alerts(admins=[7], texts={about: text})

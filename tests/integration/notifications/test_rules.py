"""A rule that can never tell is refused when it is made or the program starts; one that fails later tells all the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from neonpay.errors import ConfigurationError, ValidationError
from neonpay.notifications import NotificationConfig, NotificationManager, Notifications, NotificationType, Rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.core.events import Event
    from tests.integration.conftest import Shop
    from tests.integration.notifications.conftest import Receiver

ONE_ENGINE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # which of them does not matter
SOLD = frozenset({"payment_completed"})


async def nothing(payment: object) -> None:
    """There is nothing to deliver."""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("events", "payment_completed"),
        ("recipients", "owner@example.com"),
        ("channel", "pigeon"),
        ("priority", "urgent"),
    ],
)
def test_what_is_no_rule_is_refused_when_it_is_made(field: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=field):
        Rule(**{"name": "sold", "events": SOLD, field: value})


def test_a_rule_takes_what_means_the_same() -> None:
    given: dict[str, Any] = {"events": ["payment_completed"], "channel": "email", "recipients": [7]}
    rule = Rule(name="sold", **given)
    assert (rule.events, rule.channel, rule.recipients) == (SOLD, NotificationType.EMAIL, ("7",))


@ONE_ENGINE
@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"events": frozenset({"payment_complete"})}, "about 'payment_complete', and there is no such event"),
        ({"template": "nope"}, "there is no template 'nope'"),
        ({"template": "new_subscription"}, "'new_subscription', which shows duration; it has none"),
    ],
)
async def test_a_rule_that_can_never_tell_is_refused_when_the_program_starts(
    open_shop: Callable[..., Shop], rule: dict[str, Any], words: str
) -> None:
    shop = open_shop()
    shop.neonpay.use(Notifications(rules=[Rule(**{"name": "sold", "events": SOLD, **rule})], owners=[7]))
    with pytest.raises(ConfigurationError, match=words):
        await shop.neonpay.setup()


@ONE_ENGINE
def test_alerts_are_to_several_by_a_channel_that_there_is_and_say_something(open_shop: Callable[..., Shop]) -> None:
    given: list[tuple[dict[str, Any], str]] = [
        ({"recipients": "owner@example.com"}, "recipients are several"),
        ({"channel": "pigeon"}, "channel is one of email, telegram"),
        ({"texts": {"payment_completed": " "}}, "what is to be said"),
    ]
    for wrong, words in given:
        with pytest.raises((ConfigurationError, ValidationError), match=words):
            open_shop().neonpay.enable_alerts(admins=[7], **wrong)


@ONE_ENGINE
async def test_a_condition_or_a_text_that_fails_keeps_nobody_from_being_told(open_shop: Callable[..., Shop]) -> None:
    def fails(event: Event) -> bool:
        raise TypeError("'>=' not supported between instances of 'NoneType' and 'int'")

    shop = open_shop()
    shop.neonpay.on_payment(nothing)
    owners = [await shop.visitor(name) for name in ("Olga", "Oleg", "Omar")]
    told: list[dict[str, Any]] = [{"when": fails}, {"template": "wrong"}, {"template": "empty"}]
    rules = [
        Rule(name=f"sold {owner.id}", events=SOLD, recipients=(str(owner.id),), **how)
        for owner, how in zip(owners, told, strict=True)
    ]
    manager = NotificationManager(notifications=shop.neonpay.use(Notifications(rules=rules)))
    telegram = NotificationType.TELEGRAM
    manager.add_custom_template("wrong", telegram, "", "{{ amount / (amount - amount) }}", ["amount"])
    manager.add_custom_template("empty", telegram, "", "{% if amount < 0 %}-{% endif %}", ["amount"])
    async with shop.polling():
        await shop.sells(await shop.visitor("Ann"))
        for owner in owners:
            await owner.hears(shop.account, containing="💫 Sold")


@ONE_ENGINE
@pytest.mark.parametrize(
    ("channel", "recipient", "words"),
    [
        ("telegram", "YOUR_CHAT_ID", "a chat id such as 123456789"),
        ("telegram", "", "a chat id such as 123456789"),
        ("email", "owner.example.com", "an address such as owner@example.com"),
        ("webhook", "example.com/SECRET", "an address such as https://example.com/hook"),
        ("slack", " ", "not empty"),
    ],
)
async def test_a_rule_for_somebody_whom_its_channel_cannot_tell_is_refused_when_the_program_starts(
    open_shop: Callable[..., Shop], channel: str, recipient: str, words: str
) -> None:
    config = NotificationConfig(
        smtp_host="localhost", smtp_from="shop@example.com", slack_webhook_url="https://hooks.slack.com/services/T0"
    )
    shop = open_shop()
    given: dict[str, Any] = {"channel": channel, "recipients": (recipient,)}
    shop.neonpay.use(Notifications(config, rules=[Rule(name="sold", events=SOLD, **given)]))
    with pytest.raises(ConfigurationError, match=words) as refused:
        await shop.neonpay.setup()
    assert "SECRET" not in str(refused.value)


@ONE_ENGINE
async def test_the_chat_of_the_owners_that_is_none_is_named_when_the_program_starts(
    open_shop: Callable[..., Shop],
) -> None:
    shop = open_shop()
    shop.neonpay.enable_alerts(NotificationConfig(telegram_admin_chat_id="YOUR_CHAT_ID"))
    with pytest.raises(ConfigurationError, match="telegram_admin_chat_id of NotificationConfig"):
        await shop.neonpay.setup()


@ONE_ENGINE
async def test_what_somebody_else_says_mentions_nobody_and_turns_no_line_around(open_shop: Callable[..., Shop]) -> None:
    async def deliver(payment: object) -> None:
        raise RuntimeError("\u202eask @everyone")

    shop = open_shop()
    shop.neonpay.on_payment(deliver, max_attempts=1)
    owner = await shop.visitor("Olga")
    shop.neonpay.enable_alerts(admins=[owner.id])
    async with shop.polling():
        await shop.sells(await shop.visitor("Ann"))
        message = await owner.hears(shop.account, containing="given up")
    assert "Why: RuntimeError: ask @\u2060everyone" in (message.text or "")
    assert not any(entity.type == "mention" for entity in message.entities or ())


@ONE_ENGINE
async def test_what_somebody_else_says_turns_no_line_around_in_another_channel(
    open_shop: Callable[..., Shop], receiver: Receiver
) -> None:
    async def deliver(payment: object) -> None:
        raise RuntimeError("\u202eask \u2066@here")

    shop = open_shop()
    shop.neonpay.on_payment(max_attempts=1)(deliver)
    shop.neonpay.enable_alerts(NotificationConfig(slack_webhook_url=receiver.url), channel="slack")
    async with shop.polling():
        await shop.sells(await shop.visitor("Ann"))
        (post,) = await receiver.has(1)
    assert "Why: RuntimeError: ask @here" in json.loads(post.body)["text"]

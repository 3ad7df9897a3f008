"""What a program gives and cannot be used is refused where it is given, in words, and keeps nothing else from being sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from neonpay.errors import ConfigurationError, NotificationRefusedError, ValidationError
from neonpay.notifications import (
    Manners,
    NotificationConfig,
    NotificationManager,
    NotificationMessage,
    Notifications,
    NotificationType,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Shop
    from tests.integration.notifications.conftest import Receiver

NO_ADDRESS = ("https://[::1/SECRET", "https://example.com:99999/SECRET", "https://example.com:x/SECRET")


@pytest.mark.parametrize("url", NO_ADDRESS)
async def test_an_address_that_no_client_can_read_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match="webhook_url is an address such as") as refused:
        NotificationConfig(webhook_url=url)
    assert "SECRET" not in str(refused.value)
    async with NotificationManager() as manager:
        with pytest.raises(NotificationRefusedError, match="recipient is an address such as"):
            await manager.send_notification(NotificationMessage(NotificationType.WEBHOOK, url, body="Tea"))


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (Manners, {"most_per_hour": 0}),
        (Manners, {"most_per_hour": 2.5}),
        (Manners, {"gather_low_s": -1}),
        (Manners, {"gather_low_s": 90_000}),
        (Notifications, {"keep_days": 0}),
        (NotificationConfig, {"timeout_s": "20"}),
    ],
)
def test_a_number_that_would_keep_back_or_lose_what_is_to_be_said_is_refused(
    kind: Callable[..., Any], given: dict[str, Any]
) -> None:
    (name,) = given
    with pytest.raises(ValidationError, match=name):
        kind(**given)


async def test_values_that_a_text_cannot_show_keep_no_other_message_from_being_sent(receiver: Receiver) -> None:
    async with NotificationManager(NotificationConfig(webhook_url=receiver.url)) as manager:
        manager.add_custom_template("sum", NotificationType.WEBHOOK, "", "{{ paid + 1 }}", ["paid"])
        messages = [
            NotificationMessage(NotificationType.WEBHOOK, "", template_name="sum", variables={"paid": None}),
            NotificationMessage(NotificationType.WEBHOOK, "", body="Tea", metadata={"at": object()}),  # type: ignore[dict-item]
            NotificationMessage(NotificationType.WEBHOOK, "", body="half of one: \ud83d"),
        ]
        became = list((await manager.send_multiple_notifications(messages)).values())
    assert [one.state for one in became] == ["failed", "failed", "sent"]
    assert "template 'sum' cannot be written with these values" in (became[0].error or "")
    assert "metadata must be" in (became[1].error or "")
    assert len(receiver.got) == 1


async def test_what_a_message_says_is_posted_whatever_goes_with_it(receiver: Receiver) -> None:
    said = NotificationMessage(
        NotificationType.WEBHOOK, "", subject="Tea", body="is ready", metadata={"body": 1, "cup": 2}
    )
    async with NotificationManager(NotificationConfig(webhook_url=receiver.url)) as manager:
        await manager.send_notification(said)
    (post,) = receiver.got
    assert json.loads(post.body)["data"] == {"subject": "Tea", "body": "is ready", "priority": "normal", "cup": 2}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # which of them does not matter
def test_what_is_set_up_is_told_before_the_shop_is_open(open_shop: Callable[..., Shop]) -> None:
    config = NotificationConfig(slack_webhook_url="https://hooks.slack.com/services/T0")
    alone, with_shop = NotificationManager(config), NotificationManager(config, neonpay=open_shop().neonpay)
    assert alone.get_stats()["telegram_configured"] is False
    assert with_shop.get_stats() == {**alone.get_stats(), "configured_notifiers": 2, "telegram_configured": True}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # which of them does not matter
async def test_a_manager_that_is_switched_off_says_so_before_the_shop_is_open(open_shop: Callable[..., Shop]) -> None:
    manager = NotificationManager(enable_notifications=False, neonpay=open_shop().neonpay)
    sent = await manager.send_notification(NotificationMessage(NotificationType.TELEGRAM, "1", body="Tea"))
    assert sent.state == "off"


def test_a_manager_for_a_shop_that_tells_already_says_what_to_write(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()
    told = shop.neonpay.enable_alerts(admins=[1])
    with pytest.raises(ConfigurationError, match=r"NotificationManager\(notifications=…\)"):
        NotificationManager(neonpay=shop.neonpay)
    assert NotificationManager(notifications=told).get_stats()["telegram_configured"] is True


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # which of them does not matter
async def test_an_empty_setting_names_nobody(open_shop: Callable[..., Shop]) -> None:
    assert NotificationConfig(telegram_admin_chat_id="").default_recipient(NotificationType.TELEGRAM) is None
    shop = open_shop()
    owner, ann = await shop.visitor("Olga"), await shop.visitor("Ann")

    async def fails(payment: Any) -> None:
        raise RuntimeError("no more of it")

    shop.neonpay.on_payment(max_attempts=1)(fails)
    shop.neonpay.enable_alerts(NotificationConfig(telegram_admin_chat_id=""), admins=[owner.id])
    async with shop.polling():
        await shop.sells(ann)
        told = await owner.hears(shop.account, containing="given up")
    assert told.reply_markup is not None

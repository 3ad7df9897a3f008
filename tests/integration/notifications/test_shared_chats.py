"""In a group or channel, which anybody may be in, an alert says everything but who has paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from neonpay.notifications import NotificationConfig, NotificationManager, Notifications, NotificationType, Rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Shop

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # which of them does not matter
SOLD = frozenset({"payment_completed"})


async def nothing(payment: Any) -> None:
    """There is nothing to deliver."""


async def test_alerts_in_a_group_show_the_end_of_a_buyers_id_alone_and_no_buttons_that_decide(
    open_shop: Callable[..., Shop],
) -> None:
    async def fails(payment: Any) -> None:
        raise RuntimeError("no more of it")

    shop = open_shop()
    olga = shop.telegram.user("Olga")
    group = shop.telegram.group("Team", members=[olga, shop.account])
    shop.neonpay.on_payment(fails, max_attempts=1)
    shop.neonpay.enable_alerts(NotificationConfig(telegram_admin_chat_id=group.id), admins=[olga.id], sales=True)
    async with shop.polling():
        ann = await shop.visitor("Ann")
        await shop.sells(ann)
        messages = [await olga.hears(group) for _ in range(2)]
    for message in messages:
        assert f"Buyer: …{str(ann.id)[-4:]}" in (message.text or "")
        assert str(ann.id) not in (message.text or "")
        assert message.reply_markup is None
    assert any("Why: RuntimeError: no more of it" in (message.text or "") for message in messages)


async def test_rules_show_no_buyer_in_a_channel_unless_a_text_of_the_programs_own_does(
    open_shop: Callable[..., Shop],
) -> None:
    shop = open_shop()
    owner = await shop.visitor("Olga")
    reader = shop.telegram.user("Rita")
    channel = shop.telegram.channel("Sales", username="sales_of_shop", members=[reader], administrators=[shop.account])
    shop.neonpay.on_payment(nothing)
    to_channel: dict[str, Any] = {"events": SOLD, "recipients": ("@sales_of_shop",)}
    rules = [
        Rule(name="ours", **to_channel),
        Rule(name="guided", template="payment_completed", **to_channel),
        Rule(name="own", template="mine", **to_channel),
        Rule(name="person", events=SOLD, recipients=(str(owner.id),)),
    ]
    notifications = shop.neonpay.use(Notifications(rules=rules))
    manager = NotificationManager(notifications=notifications)
    manager.add_custom_template("mine", NotificationType.TELEGRAM, "", "{{ user_id }} has paid", ["user_id"])
    async with shop.polling():
        ann = await shop.visitor("Ann")
        await shop.sells(ann)
        assert f"Buyer: {ann.id}" in ((await owner.hears(shop.account, containing="Sold")).text or "")
        texts = [(await reader.hears(channel)).text or "" for _ in range(3)]
    short = f"…{str(ann.id)[-4:]}"
    assert sorted(str(ann.id) in text for text in texts) == [False, False, True]
    assert any(f"User {short} has paid 50 Stars" in text for text in texts)
    assert any(f"Buyer: {short}" in text for text in texts)
    assert f"{ann.id} has paid" in texts

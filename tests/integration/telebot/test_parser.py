"""One update that the library cannot read kept all others, payments included, from coming for a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from telebot import TeleBot, types

from neonpay.adapters._common.telebot import repair_parser

if TYPE_CHECKING:
    from tests.integration.telebot.conftest import Shop

BUYER = {"id": 7, "is_bot": False, "first_name": "Ann"}


def _update(**purchase: Any) -> dict[str, Any]:
    return {"update_id": 1, "purchased_paid_media": {"paid_media_payload": "photo", **purchase}}


async def test_a_purchase_of_paid_media_is_read_as_telegram_writes_it(shop: Shop) -> None:
    update = types.Update.de_json(_update(**{"from": BUYER}))

    assert update.purchased_paid_media.from_user.id == 7
    assert update.purchased_paid_media.paid_media_payload == "photo"


async def test_a_purchase_written_as_the_library_expects_it_is_read_too(shop: Shop) -> None:
    assert types.Update.de_json(_update(from_user=BUYER)).purchased_paid_media.from_user.id == 7


async def test_the_hosts_handler_gets_the_purchase(shop: Shop) -> None:
    bot: TeleBot = shop.bot
    bot.register_purchased_paid_media_handler(
        lambda purchase: shop.seen.add(purchase.paid_media_payload), func=lambda _: True
    )
    bot.process_new_updates([types.Update.de_json(_update(**{"from": BUYER}))])

    assert await shop.seen.has() == ["photo"]


async def test_a_library_that_reads_it_is_left_as_it_is(shop: Shop) -> None:
    reads = types.PaidMediaPurchased.de_json

    repair_parser()

    assert types.PaidMediaPurchased.de_json == reads

"""Subscriptions and paid media, as a client of each MTProto library sees them."""

from __future__ import annotations

from typing import Any

import pytest

from neonpay.core.jsontext import JsonValue
from neonpay.errors import SimulatorError
from neonpay.simulator import Buyer
from neonpay.telegram.client import BotApiClient
from tests.integration.mtproto.libraries import MtprotoBot

MONTH_S = 30 * 86_400


async def _link(bot: MtprotoBot, *, amount: int = 5) -> str:
    """A link to a subscription; a layer that cannot say so has it made over HTTP."""
    if not bot.knows("Invoice", "subscription_period"):
        wanted: dict[str, JsonValue] = {
            "title": "Club",
            "description": "x",
            "payload": "club",
            "currency": "XTR",
            "prices": [{"label": "Club", "amount": amount}],
            "subscription_period": MONTH_S,
        }
        async with BotApiClient(bot.account.token, base_url=bot.telegram.base_url) as http:
            return str(await http.call("createInvoiceLink", wanted))
    media = bot.invoice("club", amount)
    media.invoice.subscription_period = MONTH_S
    return str((await bot.ask("payments.ExportInvoice", invoice_media=media)).url)


async def _subscriber(bot: MtprotoBot, *, stars: int) -> Buyer:
    ann = bot.telegram.user("Ann", stars=stars)
    checkout = await ann.begins_to_pay(await _link(bot))
    await bot.telegram.idle(bot.account)
    await bot.approves(checkout.query_id)
    assert (await checkout.outcome()).status == "paid"
    return ann


async def _paid(bot: MtprotoBot, number: int) -> Any:
    return (await bot.hears_raw("UpdateNewMessage", count=number)).message.action


async def test_a_subscription_is_bought_and_renews_in_tl(bot: MtprotoBot) -> None:
    begun = int(bot.telegram.clock.now())
    await _subscriber(bot, stars=10)
    await bot.telegram.advance(MONTH_S)
    first, second = await _paid(bot, 1), await _paid(bot, 2)
    assert (bool(first.recurring_init), bool(first.recurring_used)) == (True, True)
    assert (bool(second.recurring_init), bool(second.recurring_used)) == (False, True)
    assert first.charge.id != second.charge.id
    ends = [getattr(paid, "subscription_until_date", None) for paid in (first, second)]
    is_told = bot.knows("MessageActionPaymentSentMe", "subscription_until_date")
    known = [begun + MONTH_S, begun + 2 * MONTH_S] if is_told else [None, None]
    assert [end if end is None or isinstance(end, int) else int(end.timestamp()) for end in ends] == known


async def test_what_becomes_of_a_subscription_is_told_in_tl(bot: MtprotoBot) -> None:
    ann = await _subscriber(bot, stars=5)
    await ann.cancels_subscription(bot.account)
    await ann.restores_subscription(bot.account)
    await bot.telegram.advance(MONTH_S)
    if not bot.knows("UpdateBotStarsSubscription"):
        await ann.says("hi", to=bot.account)
        await bot.hears("hi")
        assert not [update for update in bot.raw.all if type(update).__name__ == "UpdateBotStarsSubscription"]
        return
    told = [await bot.hears_raw("UpdateBotStarsSubscription", count=number) for number in (1, 2, 3)]
    flags = [(bool(one.canceled), bool(one.restored), bool(one.payment_failed)) for one in told]
    assert flags == [(True, False, False), (False, True, False), (False, False, True)]
    assert {(one.user_id, bytes(one.payload)) for one in told} == {(ann.id, b"club")}
    assert [one.qts for one in told] == [2, 3, 4]


async def test_a_bot_cancels_and_allows_a_subscription_in_tl(bot: MtprotoBot) -> None:
    if not bot.knows("Invoice", "subscription_period"):
        with pytest.raises(AttributeError):
            await bot.ask("payments.BotCancelStarsSubscription")
        return
    ann = await _subscriber(bot, stars=10)
    (subscription,) = ann.subscriptions(bot.account)
    named = {
        "user_id": bot.tl("InputUser", user_id=ann.id, access_hash=0),
        "charge_id": subscription.charge_id,
    }
    assert await bot.ask("payments.BotCancelStarsSubscription", **named) is True
    assert (subscription.canceled, subscription.bot_canceled) == (True, True)
    with pytest.raises(Exception, match=r"SUBSCRIPTION_NOT_MODIFIED"):
        await bot.ask("payments.BotCancelStarsSubscription", **named)
    assert await bot.ask("payments.BotCancelStarsSubscription", **named, restore=True) is True
    assert (subscription.canceled, subscription.bot_canceled) == (True, False)


async def test_paid_media_are_sent_and_bought_in_tl(bot: MtprotoBot) -> None:
    ann = bot.telegram.user("Ann", stars=10)
    await ann.says("hi", to=bot.account)
    await bot.hears("hi")
    if not bot.knows("InputMediaPaidMedia"):
        await _told_of_by_http(bot, ann)
        return
    photo = bot.tl("InputMediaPhotoExternal", url="https://example.com/a.jpg")
    kept = await bot.ask("messages.UploadMedia", peer=bot.peer(ann.id), media=photo)
    number = bot.tl("InputPhoto", id=kept.photo.id, access_hash=kept.photo.access_hash, file_reference=b"")
    video = bot.tl("InputMediaDocumentExternal", url="https://example.com/b.mp4")
    payload = {"payload": "pictures"} if bot.knows("InputMediaPaidMedia", "payload") else {}
    extended = [bot.tl("InputMediaPhoto", id=number), video]
    media = bot.tl("InputMediaPaidMedia", stars_amount=3, extended_media=extended, **payload)
    sent = await bot.ask("messages.SendMedia", peer=bot.peer(ann.id), media=media, message="Look", random_id=1)
    (shown,) = [update.message.media for update in sent.updates if hasattr(update, "message")]
    assert shown.stars_amount == 3
    assert [type(item.media).__name__ for item in shown.extended_media] == ["MessageMediaPhoto", "MessageMediaDocument"]
    assert shown.extended_media[0].media.photo.id == kept.photo.id
    assert (await ann.buys(await ann.hears(bot.account, containing="Look"))).status == "paid"
    if bot.knows("UpdateBotPurchasedPaidMedia"):
        bought = await bot.hears_raw("UpdateBotPurchasedPaidMedia")
        assert (bought.user_id, bought.payload, bought.qts) == (ann.id, "pictures", 2)
    assert (ann.stars, bot.telegram.balance(bot.account)) == (7, 3)


async def test_paid_media_that_cannot_be_sent_are_refused_in_telegrams_words(bot: MtprotoBot) -> None:
    if not bot.knows("InputMediaPaidMedia"):
        with pytest.raises(AttributeError):
            bot.tl("InputMediaPaidMedia", stars_amount=1, extended_media=[])
        return
    ann = bot.telegram.user("Ann")
    await ann.says("hi", to=bot.account)
    await bot.hears("hi")

    async def send(price_stars: int, item: Any) -> None:
        media = bot.tl("InputMediaPaidMedia", stars_amount=price_stars, extended_media=[item])
        await bot.ask("messages.SendMedia", peer=bot.peer(ann.id), media=media, message="", random_id=1)

    with pytest.raises(Exception, match=r"EXTENDED_MEDIA_AMOUNT_INVALID|stars_amount"):
        await send(25_001, bot.tl("InputMediaPhotoExternal", url="https://example.com/a.jpg"))
    unknown = bot.tl("InputPhoto", id=17, access_hash=0, file_reference=b"")
    with pytest.raises(Exception, match=r"MEDIA_EMPTY|media.*(invalid|empty)"):
        await send(1, bot.tl("InputMediaPhoto", id=unknown))
    with pytest.raises(SimulatorError, match="paid media of InputMediaGeoPoint"):
        await send(1, bot.tl("InputMediaGeoPoint", geo_point=bot.tl("InputGeoPoint", lat=1.0, long=1.0)))


async def _told_of_by_http(bot: MtprotoBot, ann: Buyer) -> None:
    media = [{"type": "photo", "media": "https://example.com/a.jpg"}]
    async with BotApiClient(bot.account.token, base_url=bot.telegram.base_url) as http:
        await http.call("sendPaidMedia", {"chat_id": ann.id, "star_count": 3, "media": media, "payload": "pictures"})
    heard = await ann.hears(bot.account)
    (message,) = (await bot.ask("messages.GetMessages", id=[bot.tl("InputMessageID", id=heard.message_id)])).messages
    assert type(message.media).__name__ == "MessageMediaUnsupported"
    assert (await ann.buys(heard)).status == "paid"

"""A small world with one of everything in it, and for each simulated method a call that it answers with ok."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from random import Random

from neonpay.simulator.chats.groups import GENERAL_ID
from neonpay.simulator.chats.topics import open_topic
from neonpay.simulator.clock import SteppedClock
from neonpay.simulator.http.api import BotApi
from neonpay.simulator.people.attachments import one_pixel
from neonpay.simulator.people.buyers import Buyer
from neonpay.simulator.people.founding import found
from neonpay.simulator.wire.params import Params, Upload
from neonpay.simulator.world import World

NOW = 1_800_000_000
PRICES = [{"label": "Book", "amount": 5}]
INVOICE = {"title": "A book", "description": "About Stars", "payload": "p", "currency": "XTR", "prices": PRICES}
KEYBOARD = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
ARTICLE = {"type": "article", "id": "1", "title": "A", "input_message_content": {"message_text": "words"}}
PHOTO_URL = "https://example.com/a.jpg"
ONE_PHOTO = {"type": "photo", "media": PHOTO_URL}
PLACE = {"latitude": 1.5, "longitude": 2}


STRUCTURED = {
    "button": {"text": "Go", "start_parameter": "go"},
    "caption_entities": [{"type": "bold", "offset": 0, "length": 1}],
    "entities": [{"type": "text_link", "offset": 0, "length": 1, "url": "https://example.com"}],
    "explanation_entities": [{"type": "bold", "offset": 0, "length": 1}],
    "link_preview_options": {"is_disabled": True},
    "menu_button": {"type": "web_app", "text": "Shop", "web_app": {"url": "https://example.com"}},
    "permissions": {"can_send_messages": True, "can_send_polls": False},
    "question_entities": [{"type": "custom_emoji", "offset": 0, "length": 1, "custom_emoji_id": "1"}],
    "reaction": [{"type": "emoji", "emoji": "👍"}],
    "reply_markup": {"keyboard": [["One", {"text": "Two", "request_contact": True}]], "resize_keyboard": True},
    "reply_parameters": {"message_id": 1, "allow_sending_without_reply": True},
    "rights": {"can_manage_chat": True},
    "scope": {"type": "chat_member", "chat_id": 7_000, "user_id": 7_000},
    "suggested_post_parameters": {"price": {"currency": "XTR", "amount": 5}, "send_date": NOW + 600},
    "suggested_tip_amounts": [1, 2],
    "text_entities": [{"type": "bold", "offset": 0, "length": 1}],
}
"""Right values of parameters that are JSON."""


@dataclass
class Stage:
    world: World
    names: dict[str, object] = field(default_factory=dict)

    def __getattr__(self, name: str):
        return self.names[name]

    async def call(self, method: str, given: dict[str, object], files: dict[str, Upload] | None = None):
        return await BotApi(self.world).call(
            self.names["token"], method, as_params(given, files or {"dot": Upload("dot.png", one_pixel())})
        )


def as_params(given: dict[str, object], files: dict[str, Upload] | None = None) -> Params:
    values = {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
    return Params(values, files or {})


async def set_up() -> Stage:
    world = World(SteppedClock(NOW), Random(1))  # noqa: S311 - repeatable on purpose
    shop, other = world.accounts.bot("shop_bot"), world.accounts.bot("other_bot")
    shop.balance_stars = 20_000
    ann, bob, carl = (
        Buyer(world, world.accounts.user(name, stars=5_000, user_id=7_000 + number))
        for number, name in enumerate(("Ann", "Bob", "Carl"))
    )
    stage = Stage(world)
    names = stage.names
    names |= {"token": shop.token, "bot_id": shop.id, "ann": ann.id, "bob": bob.id, "carl": carl.id}
    await ann.says("/start", to=shop)
    group = found(world, "Readers", "supergroup", [ann, bob, other], [shop], None, "readers")
    channel = found(world, "News", "channel", [ann, shop], [], None, "")
    direct = world.memberships.open_direct_messages(channel)
    names |= {"group": group.id, "channel": channel.id, "direct": direct.id}
    forum, quiet = (
        found(world, name, "supergroup", [ann], [shop], None, "", forum=True) for name in ("Forum", "Quiet forum")
    )
    quiet.topics[GENERAL_ID].is_closed = quiet.topics[GENERAL_ID].is_hidden = True
    topic, closed = (open_topic(forum, world.chats, forum.creator.account, name) for name in ("Open", "Closed"))
    closed.is_closed = True
    names |= {"forum": forum.id, "quiet": quiet.id, "topic": topic.id, "closed_topic": closed.id}
    names["hers"] = (await ann.says("hello", to=shop)).message_id
    names["suggestion"] = (await ann.suggests("Buy books", to=direct, price_stars=5)).message_id
    names["business"] = (
        await bob.connects_business(shop, rights=["can_view_gifts_and_stars", "can_transfer_stars"])
    ).id

    async def told(method: str, **given: object):
        answer = await stage.call(method, given)
        assert answer.status == 200, (method, answer.body)
        return answer.body["result"]

    text = await told("sendMessage", chat_id=ann.id, text="Hi", reply_markup=KEYBOARD)
    names["text"] = text["message_id"]
    names["photo"] = (await told("sendPhoto", chat_id=ann.id, photo=PHOTO_URL, caption="c"))["message_id"]
    names["poll"] = (await told("sendPoll", chat_id=ann.id, question="q", options=["a", "b"]))["message_id"]
    names["in_group"] = (await told("sendMessage", chat_id=group.id, text="Hi all"))["message_id"]
    await told("pinChatMessage", chat_id=group.id, message_id=names["in_group"])
    names["file_id"] = world.files.find((await ann.sends_photo(to=shop, content=one_pixel())).photo[0].file_id).file_id
    names["link"] = (await told("createChatInviteLink", chat_id=group.id, creates_join_request=True))["invite_link"]
    await carl.joins(str(names["link"]))
    channel.guard = shop
    await carl.joins((await told("createChatInviteLink", chat_id=channel.id, creates_join_request=True))["invite_link"])
    names["join_query"] = world.postbox(shop).queue.history[-1].payload["query_id"]
    names["paid_link"] = (
        await told(
            "createChatSubscriptionInviteLink", chat_id=channel.id, subscription_period=2_592_000, subscription_price=5
        )
    )["invite_link"]
    await ann.presses("Go", on=ann.messages(shop)[2], wait=False)
    names["callback"] = next(reversed(world.presses))
    names["inline"] = world.inline.ask(shop, world.accounts.users[ann.id], "words").id
    names["web_app"] = ann.opens_web_app(shop)
    names["gift"] = next(iter(world.gifts.catalogue))
    invoice = await told("createInvoiceLink", **INVOICE)
    monthly = await told("createInvoiceLink", **INVOICE, subscription_period=2_592_000)
    for link, name in ((invoice, "charge"), (monthly, "subscription")):
        checkout = await ann.begins_to_pay(link)
        await told("answerPreCheckoutQuery", pre_checkout_query_id=checkout.query_id, ok=True)
        names[name] = checkout.result.charge_id
    names["checkout"] = (await ann.begins_to_pay(invoice)).query_id
    return stage


def _to(**more: object):
    return lambda stage: {"chat_id": stage.ann, **more}


def _in_group(**more: object):
    return lambda stage: {"chat_id": stage.group, **more}


def _of(name: str, **more: object):
    return lambda stage: {"chat_id": stage.ann, "message_id": stage.names[name], **more}


def _with(*pairs: str, **more: object):
    """Parameters named like things of the stage: ``user_id=ann``."""
    return lambda stage: {**{one.partition("=")[0]: stage.names[one.partition("=")[2]] for one in pairs}, **more}


VALID = {
    "answerCallbackQuery": _with("callback_query_id=callback", text="ok"),
    "answerInlineQuery": _with("inline_query_id=inline", results=[ARTICLE]),
    "answerPreCheckoutQuery": _with("pre_checkout_query_id=checkout", ok=True),
    "answerWebAppQuery": _with("web_app_query_id=web_app", result=ARTICLE),
    "answerChatJoinRequestQuery": _with("chat_join_request_query_id=join_query", result="approve"),
    "approveChatJoinRequest": _with("chat_id=group", "user_id=carl"),
    "approveSuggestedPost": _with("chat_id=direct", "message_id=suggestion"),
    "banChatMember": _with("chat_id=group", "user_id=bob"),
    "close": _with(),
    "closeForumTopic": _with("chat_id=forum", "message_thread_id=topic"),
    "closeGeneralForumTopic": _with("chat_id=forum"),
    "copyMessage": _with("chat_id=group", "from_chat_id=ann", "message_id=photo"),
    "copyMessages": lambda stage: {"chat_id": stage.group, "from_chat_id": stage.ann, "message_ids": [stage.text]},
    "createChatInviteLink": _in_group(name="n"),
    "createChatSubscriptionInviteLink": _with("chat_id=channel", subscription_period=2_592_000, subscription_price=5),
    "createForumTopic": _with("chat_id=forum", name="n"),
    "createInvoiceLink": _with(**INVOICE),
    "declineChatJoinRequest": _with("chat_id=group", "user_id=carl"),
    "declineSuggestedPost": _with("chat_id=direct", "message_id=suggestion", comment="no"),
    "deleteForumTopic": _with("chat_id=forum", "message_thread_id=topic"),
    "deleteMessage": _of("text"),
    "deleteMessages": lambda stage: {"chat_id": stage.ann, "message_ids": [stage.text, stage.photo]},
    "deleteMyCommands": _with(),
    "deleteWebhook": _with(),
    "editChatInviteLink": _with("chat_id=group", "invite_link=link", name="m"),
    "editChatSubscriptionInviteLink": _with("chat_id=channel", "invite_link=paid_link", name="m"),
    "editForumTopic": _with("chat_id=forum", "message_thread_id=topic", name="m"),
    "editGeneralForumTopic": _with("chat_id=forum", name="m"),
    "editMessageCaption": _of("photo", caption="new"),
    "editMessageMedia": _of("photo", media=ONE_PHOTO),
    "editMessageReplyMarkup": _of("text"),
    "editMessageText": _of("text", text="new"),
    "editUserStarSubscription": _with("user_id=ann", "telegram_payment_charge_id=subscription", is_canceled=True),
    "exportChatInviteLink": _in_group(),
    "forwardMessage": _with("chat_id=group", "from_chat_id=ann", "message_id=text"),
    "forwardMessages": lambda stage: {"chat_id": stage.group, "from_chat_id": stage.ann, "message_ids": [stage.text]},
    "getAvailableGifts": _with(),
    "getBusinessAccountGifts": _with("business_connection_id=business"),
    "getBusinessAccountStarBalance": _with("business_connection_id=business"),
    "getBusinessConnection": _with("business_connection_id=business"),
    "getChat": _in_group(),
    "getChatAdministrators": _in_group(),
    "getChatGifts": _with("chat_id=channel"),
    "getChatMember": _with("chat_id=group", "user_id=ann"),
    "getChatMemberCount": _in_group(),
    "getChatMenuButton": _with(),
    "getFile": _with("file_id=file_id"),
    "getMe": _with(),
    "getMyCommands": _with(),
    "getMyDefaultAdministratorRights": _with(),
    "getMyDescription": _with(),
    "getMyName": _with(),
    "getMyShortDescription": _with(),
    "getMyStarBalance": _with(),
    "getStarTransactions": _with(limit=10),
    "getUpdates": _with(),
    "getUserGifts": _with("user_id=ann"),
    "getUserProfilePhotos": _with("user_id=ann"),
    "getWebhookInfo": _with(),
    "giftPremiumSubscription": _with("user_id=ann", month_count=3, star_count=1000),
    "hideGeneralForumTopic": _with("chat_id=forum"),
    "leaveChat": _in_group(),
    "logOut": _with(),
    "pinChatMessage": _of("text"),
    "promoteChatMember": _with("chat_id=group", "user_id=bob", can_invite_users=True),
    "refundStarPayment": _with("user_id=ann", "telegram_payment_charge_id=charge"),
    "reopenForumTopic": _with("chat_id=forum", "message_thread_id=closed_topic"),
    "reopenGeneralForumTopic": _with("chat_id=quiet"),
    "restrictChatMember": _with("chat_id=group", "user_id=bob", permissions={"can_send_messages": False}),
    "revokeChatInviteLink": _with("chat_id=group", "invite_link=link"),
    "removeMyProfilePhoto": _with(),
    "savePreparedInlineMessage": _with("user_id=ann", result=ARTICLE),
    "sendAnimation": _to(animation="https://example.com/a.gif"),
    "sendAudio": _to(audio="https://example.com/a.mp3", title="t"),
    "sendChatAction": _to(action="typing"),
    "sendChatJoinRequestWebApp": _with("chat_join_request_query_id=join_query", web_app_url="https://example.com/join"),
    "sendContact": _to(phone_number="+15550001", first_name="A"),
    "sendDice": _to(),
    "sendDocument": _to(document="https://example.com/a.pdf"),
    "sendGift": _with("user_id=ann", "gift_id=gift"),
    "sendInvoice": _to(**INVOICE),
    "sendLocation": _to(**PLACE),
    "sendMediaGroup": _to(media=[ONE_PHOTO, {"type": "video", "media": "https://example.com/a.mp4"}]),
    "sendMessage": _to(text="hi", reply_markup=KEYBOARD),
    "sendPaidMedia": _to(star_count=5, media=[ONE_PHOTO]),
    "sendPhoto": _to(photo=PHOTO_URL),
    "sendPoll": _to(question="q", options=["a", {"text": "b"}]),
    "sendRichMessage": _to(rich_message={"html": "<h1>A</h1><p>b <b>c</b></p>"}),
    "sendSticker": _to(sticker="https://example.com/a.webp"),
    "sendVenue": _to(**PLACE, title="t", address="a"),
    "sendVideo": _to(video="https://example.com/a.mp4"),
    "sendVideoNote": _to(video_note="https://example.com/a.mp4"),
    "sendVoice": _to(voice="https://example.com/a.ogg"),
    "setChatAdministratorCustomTitle": _with("chat_id=group", "user_id=bot_id", custom_title="till"),
    "setChatDescription": _in_group(description="d"),
    "setChatMenuButton": _with(),
    "setChatPermissions": _in_group(permissions={"can_send_messages": True}),
    "setChatTitle": _in_group(title="t"),
    "setMessageReaction": _of("hers", reaction=[{"type": "emoji", "emoji": "👍"}]),
    "setMyCommands": _with(commands=[{"command": "buy", "description": "d"}]),
    "setMyDefaultAdministratorRights": _with(rights={"can_invite_users": True}),
    "setMyDescription": _with(description="d"),
    "setMyName": _with(name="n"),
    "setMyProfilePhoto": _with(photo={"type": "static", "photo": "attach://dot"}),
    "setMyShortDescription": _with(short_description="d"),
    "setWebhook": _with(url="http://127.0.0.1:9/hook"),
    "stopPoll": _of("poll"),
    "transferBusinessAccountStars": _with("business_connection_id=business", star_count=5),
    "unbanChatMember": _with("chat_id=group", "user_id=bob"),
    "unhideGeneralForumTopic": _with("chat_id=quiet"),
    "unpinAllChatMessages": _in_group(),
    "unpinAllForumTopicMessages": _with("chat_id=forum", "message_thread_id=topic"),
    "unpinAllGeneralForumTopicMessages": _with("chat_id=forum"),
    "unpinChatMessage": _in_group(),
}

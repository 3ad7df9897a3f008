"""What the Bot API server and Telegram's library say of keyboards, replies, commands and media, as their sources have it.

Client.cpp: get_reply_markup, get_inline_keyboard_button_type, get_keyboard_button_type, get_reply_parameters,
get_bot_commands, get_bot_menu_button, get_input_media. ReplyMarkup.cpp, LinkManager.cpp, JsonBuilder.cpp.
"""

from __future__ import annotations

import pytest

INLINE = "can't parse inline keyboard button: "
REPLY = "can't parse keyboard button: "


def inline(**button):
    return {"inline_keyboard": [[{"text": "Go"} | button]]}


def keyboard(**button):
    return {"keyboard": [[{"text": "Go"} | button]]}


REFUSED = [
    ("[]", "object expected as reply markup"),
    ("null", "object expected as reply markup"),
    ("{", "can't parse reply keyboard markup JSON object"),
    ({"inline_keyboard": None}, 'field "inline_keyboard" must be of type Array'),
    ({"inline_keyboard": {}}, 'field "inline_keyboard" must be of type Array'),
    ({"inline_keyboard": ["x"]}, 'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays'),
    ({"inline_keyboard": [["x"]]}, f"{INLINE}InlineKeyboardButton must be an Object"),
    ({"inline_keyboard": [[{"url": "https://e.com"}]]}, f'{INLINE}Can\'t find field "text"'),
    (inline(text=None), f'{INLINE}Field "text" must be of type String'),
    (inline(), f"{INLINE}Text buttons are unallowed in the inline keyboard"),
    (inline(url=""), f"{INLINE}Text buttons are unallowed in the inline keyboard"),
    (inline(url=None), f'{INLINE}Field "url" must be of type String'),
    (inline(callback_data=True), f'{INLINE}Field "callback_data" must be of type String'),
    (inline(callback_data="x", style="big"), f"{INLINE}invalid button style specified"),
    (inline(callback_data="x", icon_custom_emoji_id="x"), f'{INLINE}Field "icon_custom_emoji_id" must be a valid Number'),
    (inline(web_app="https://e.com"), f'{INLINE}Field "web_app" must be of type Object'),
    (inline(web_app={}), f'{INLINE}Can\'t find field "url"'),
    (inline(login_url={}), f'{INLINE}Can\'t find field "url"'),
    (inline(copy_text={}), f'{INLINE}Can\'t find field "text"'),
    (inline(switch_inline_query_chosen_chat={"allow_user_chats": 1}),
     f'{INLINE}Field "allow_user_chats" must be of type Boolean'),
    (inline(switch_inline_query_chosen_chat={}), "at least one chat type must be allowed"),
    (inline(text="", callback_data="x", icon_custom_emoji_id="5"), "inline keyboard button text must be non-empty"),
    (inline(callback_data="x" * 65), "BUTTON_DATA_INVALID"),
    (inline(url="ftp://e.com"), "inline keyboard button URL 'ftp://e.com' is invalid: Unsupported URL protocol"),
    (inline(url="https://"), "inline keyboard button URL 'https://' is invalid: URL host is empty"),
    (inline(url="http://localhost/x"), "inline keyboard button URL 'http://localhost/x' is invalid: Wrong HTTP URL"),
    (inline(url="https://e.com:x/"),
     "inline keyboard button URL 'https://e.com:x/' is invalid: Wrong port number specified in the URL"),
    (inline(web_app={"url": "http://e.com"}),
     "inline keyboard button Web App URL 'http://e.com' is invalid: Only HTTPS links are allowed"),
    (inline(login_url={"url": "http://e.com"}),
     "inline keyboard button login URL 'http://e.com' is invalid: Only HTTPS links are allowed"),
    ({"keyboard": "x"}, 'field "keyboard" must be of type Array'),
    ({"keyboard": ["x"]}, 'field "keyboard" must be an Array of Arrays'),
    ({"keyboard": [[5]]}, f"{REPLY}KeyboardButton must be a String or an Object"),
    ({"keyboard": [[{}]]}, f'{REPLY}Can\'t find field "text"'),
    (keyboard(request_contact="true"), f'{REPLY}Field "request_contact" must be of type Boolean'),
    (keyboard(request_location=1), f'{REPLY}Field "request_location" must be of type Boolean'),
    (keyboard(request_poll=True), f'{REPLY}Field "request_poll" must be of type Object'),
    (keyboard(request_users={}), f'{REPLY}Can\'t find field "request_id"'),
    (keyboard(web_app={"url": "e.com"}), "keyboard button Web App URL 'e.com' is invalid: Only HTTPS links are allowed"),
    (keyboard() | {"resize_keyboard": "yes"}, 'field "resize_keyboard" must be of type Boolean'),
    ({"remove_keyboard": "true"}, 'field "remove_keyboard" must be of type Boolean'),
    ({"force_reply": True, "input_field_placeholder": None}, 'field "input_field_placeholder" must be of type String'),
]  # fmt: skip


@pytest.mark.parametrize(("markup", "reason"), REFUSED)
async def test_a_markup_is_refused_in_the_servers_words(ann, wire, markup, reason):
    reply = await wire("sendMessage", chat_id=ann.id, text="hi", reply_markup=markup)
    assert (reply.status, reply.description) == (400, f"Bad Request: {reason}")


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        ({}, None),
        ({"something": 1}, None),
        ({"inline_keyboard": []}, None),
        ({"inline_keyboard": [[]]}, None),
        ({"keyboard": []}, None),
        (inline(text="", callback_data="x"), None),
        (inline(text=5, callback_data=6), {"text": "5", "callback_data": "6"}),
        (inline(url="E.com"), {"text": "Go", "url": "http://e.com/"}),
        (inline(url="https://e.com/a?b=c"), {"text": "Go", "url": "https://e.com/a?b=c"}),
        (inline(url="tg://resolve?domain=x"), {"text": "Go", "url": "tg://resolve?domain=x"}),
        (inline(url="", callback_data="x", pay=True), {"text": "Go", "callback_data": "x"}),
        (inline(callback_data="x", style="DANGER"), {"text": "Go", "callback_data": "x", "style": "danger"}),
        (inline(callback_data="x", style="default"), {"text": "Go", "callback_data": "x"}),
        (inline(login_url={"url": "https://e.com"}), {"text": "Go", "url": "https://e.com/"}),
        (inline(switch_inline_query=""), {"text": "Go", "switch_inline_query": ""}),
        (inline(callback_data="x") | {"remove_keyboard": True}, {"text": "Go", "callback_data": "x"}),
    ],
)
async def test_a_markup_is_shown_as_telegram_shows_it(ann, wire, markup, shown):
    sent = (await wire("sendMessage", chat_id=ann.id, text="hi", reply_markup=markup)).result
    expected = None if shown is None else {"inline_keyboard": [[shown]]}
    assert sent.get("reply_markup") == expected


async def test_a_row_has_twelve_buttons_and_the_rest_is_left_out(ann, wire):
    row = [{"text": str(number), "callback_data": "x"} for number in range(14)]
    sent = (await wire("sendMessage", chat_id=ann.id, text="hi", reply_markup={"inline_keyboard": [row]})).result
    assert len(sent["reply_markup"]["inline_keyboard"][0]) == 12


async def test_a_reply_keyboard_is_none_where_an_inline_one_is_needed(ann, wire, invoice):
    reply = await wire("sendInvoice", chat_id=ann.id, **invoice, reply_markup={"force_reply": True})
    assert reply.description == "Bad Request: inline keyboard expected"
    sent = await wire("sendInvoice", chat_id=ann.id, **invoice, reply_markup={"nothing": 1})
    assert sent.status == 200


async def test_a_pay_button_is_one_whatever_it_holds(ann, wire, invoice):
    markup = {"inline_keyboard": [[{"text": "Pay", "pay": False}]]}
    sent = (await wire("sendInvoice", chat_id=ann.id, **invoice, reply_markup=markup)).result
    assert sent["reply_markup"] == {"inline_keyboard": [[{"text": "Pay", "pay": True}]]}


async def test_wishes_are_for_private_chats(telegram, shop, wire):
    group = telegram.group("Readers", administrators=[shop])
    for wish, words in {
        "request_contact": "phone number can be requested in private chats only",
        "request_location": "location can be requested in private chats only",
    }.items():
        reply = await wire("sendMessage", chat_id=group.id, text="hi", reply_markup=keyboard(**{wish: True}))
        assert reply.description == f"Bad Request: {words}"


@pytest.mark.parametrize(
    ("reply_parameters", "reason"),
    [
        ("null", "object expected as reply parameters"),
        ("5", "object expected as reply parameters"),
        ("{", "can't parse reply parameters JSON object"),
        ({"chat_id": 5}, 'can\'t find field "message_id"'),
        ({"message_id": None}, 'field "message_id" must be a Number'),
        ({"message_id": "1x"}, 'field "message_id" must be a valid Number'),
        ({"message_id": 2**31}, 'field "message_id" must be a valid Number'),
        ({"message_id": 1, "allow_sending_without_reply": "yes"},
         'field "allow_sending_without_reply" must be of type Boolean'),
        ({"message_id": 1, "quote": []}, 'field "quote" must be of type String'),
        ({"message_id": 99}, "message to be replied not found"),
    ],
)  # fmt: skip
async def test_reply_parameters_are_refused_in_the_servers_words(ann, wire, reply_parameters, reason):
    reply = await wire("sendMessage", chat_id=ann.id, text="hi", reply_parameters=reply_parameters)
    assert (reply.status, reply.description) == (400, f"Bad Request: {reason}")


@pytest.mark.parametrize("reply_parameters", [{}, {"message_id": -5}, {"message_id": "0"}, ""])
async def test_reply_parameters_that_mean_no_reply(ann, wire, reply_parameters):
    sent = (await wire("sendMessage", chat_id=ann.id, text="hi", reply_parameters=reply_parameters)).result
    assert "reply_to_message" not in sent


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("null", "object expected as link preview options"),
        ("[]", "object expected as link preview options"),
        ("{", "can't parse link preview options JSON object"),
        ({"is_disabled": "true"}, 'field "is_disabled" must be of type Boolean'),
        ({"url": True}, 'field "url" must be of type String'),
        ({"prefer_small_media": 1}, 'field "prefer_small_media" must be of type Boolean'),
        ({"prefer_large_media": None}, 'field "prefer_large_media" must be of type Boolean'),
        ({"show_above_text": "x"}, 'field "show_above_text" must be of type Boolean'),
    ],
)
async def test_link_preview_options_are_refused_in_the_servers_words(ann, wire, given, reason):
    reply = await wire("sendMessage", chat_id=ann.id, text="", link_preview_options=given)
    assert (reply.status, reply.description) == (400, f"Bad Request: {reason}")


SITE = "https://example.com"


@pytest.mark.parametrize(
    ("text", "params", "shown"),
    [
        ("hi", {}, None),
        (SITE, {}, None),
        (SITE, {"link_preview_options": ""}, None),
        (SITE, {"link_preview_options": {"is_disabled": False}}, None),
        (
            SITE,
            {"link_preview_options": {"is_disabled": True, "url": "x", "prefer_large_media": True}},
            {"is_disabled": True},
        ),
        (SITE, {"disable_web_page_preview": " TRUE "}, {"is_disabled": True}),
        (SITE, {"disable_web_page_preview": True, "link_preview_options": {}}, None),
        ("hi", {"link_preview_options": {"is_disabled": True}}, None),
        ("hi", {"link_preview_options": {"prefer_small_media": True}}, None),
        (
            "hi",
            {"link_preview_options": {"url": SITE, "prefer_small_media": True}},
            {"url": SITE, "prefer_small_media": True},
        ),
        (SITE, {"link_preview_options": {"show_above_text": True}}, {"show_above_text": True}),
    ],
)
async def test_link_preview_options_stand_in_the_message(ann, wire, text, params, shown):
    sent = (await wire("sendMessage", chat_id=ann.id, text=text, **params)).result
    assert sent.get("link_preview_options") == shown


async def test_an_edit_leaves_no_link_preview_options_behind(ann, wire):
    sent = (await wire("sendMessage", chat_id=ann.id, text=SITE, disable_web_page_preview=True)).result
    edit = {"chat_id": ann.id, "message_id": sent["message_id"], "text": SITE}
    assert "link_preview_options" not in (await wire("editMessageText", **edit)).result


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"commands": "null"}, "expected an Array of BotCommand"),
        ({"commands": "["}, "can't parse commands JSON object"),
        ({"commands": ["x"]}, "can't parse BotCommand: expected an Object"),
        ({"commands": [{"description": "d"}]}, 'can\'t parse BotCommand: Can\'t find field "command"'),
        ({"commands": [{"command": "c"}]}, 'can\'t parse BotCommand: Can\'t find field "description"'),
        ({"commands": [{"command": ["c"], "description": "d"}]},
         'can\'t parse BotCommand: Field "command" must be of type String'),
        ({"commands": [{"command": "/", "description": "d"}]}, "command must be non-empty"),
        ({"commands": [{"command": "c", "description": " "}]}, "command description must be non-empty"),
        ({"commands": [{"command": "c" * 33, "description": "d"}]}, "command length must not exceed 32"),
        ({"commands": [{"command": "Start", "description": "d"}]}, "BOT_COMMAND_INVALID"),
        ({"scope": "null"}, "can't parse BotCommandScope: BotCommandScope must be an Object"),
        ({"scope": {}}, 'can\'t parse BotCommandScope: Can\'t find field "type"'),
        ({"scope": {"type": "x"}}, "can't parse BotCommandScope: Unsupported type specified"),
        ({"scope": {"type": "chat"}}, 'can\'t parse BotCommandScope: Can\'t find field "chat_id"'),
        ({"scope": {"type": "chat", "chat_id": ""}}, "can't parse BotCommandScope: Empty chat_id specified"),
        ({"scope": {"type": "chat_member", "chat_id": 5}}, 'can\'t parse BotCommandScope: Can\'t find field "user_id"'),
        ({"scope": {"type": "chat_member", "chat_id": 5, "user_id": -1}},
         "can't parse BotCommandScope: Invalid user_id specified"),
    ],
)  # fmt: skip
async def test_commands_are_refused_in_the_servers_words(wire, params, reason):
    reply = await wire("setMyCommands", **params)
    assert (reply.status, reply.description) == (400, f"Bad Request: {reason}")


@pytest.mark.parametrize(
    ("method", "params", "reason"),
    [
        ("setChatMenuButton", {"menu_button": "null"}, "can't parse menu button: MenuButton must be an Object"),
        ("setChatMenuButton", {"menu_button": {}}, 'can\'t parse menu button: Can\'t find field "type"'),
        ("setChatMenuButton", {"menu_button": {"type": "x"}}, "can't parse menu button: MenuButton has unsupported type"),
        ("setChatMenuButton", {"menu_button": {"type": "web_app", "text": "x", "web_app": {"url": "http://e.com"}}},
         "menu button Web App URL 'http://e.com' is invalid: Only HTTPS links are allowed"),
        ("setMyDefaultAdministratorRights", {"rights": {"can_manage_chat": 1}},
         'can\'t parse ChatAdministratorRights: Field "can_manage_chat" must be of type Boolean'),
        ("deleteMessages", {"message_ids": ["x"]}, "can't parse message identifier as a Number"),
        ("deleteMessages", {"message_ids": [None]}, "message identifier must be a Number"),
        ("deleteMessages", {"message_ids": [0]}, "invalid message identifier specified"),
        ("deleteMessages", {"message_ids": "null"}, "expected an Array of message identifiers"),
        ("setMessageReaction", {"message_id": 1, "reaction": [{}]}, 'can\'t parse ReactionType: Can\'t find field "type"'),
        ("setMessageReaction", {"message_id": 1, "reaction": [{"type": "x"}]},
         "can't parse ReactionType: invalid reaction type specified"),
        ("setMessageReaction", {"message_id": 1, "reaction": [{"type": "emoji", "emoji": None}]},
         'can\'t parse ReactionType: Field "emoji" must be of type String'),
        ("sendMediaGroup", {"media": "null"}, "expected an Array of InputMedia"),
        ("sendMediaGroup", {"media": [5]}, "can't parse InputMedia: expected an Object"),
        ("sendMediaGroup", {"media": [{"media": "x"}]}, 'can\'t parse InputMedia: Can\'t find field "type"'),
        ("sendMediaGroup", {"media": [{"type": "photo"}]}, "can't parse InputMedia: media not found"),
        ("sendMediaGroup", {"media": [{"type": "photo", "media": "x", "has_spoiler": "1"}]},
         'can\'t parse InputMedia: Field "has_spoiler" must be of type Boolean'),
        ("sendPoll", {"question": "?", "options": "[5]"}, "expected an option to be of type String"),
        ("sendPoll", {"question": "?", "options": "{}"}, "expected an Array of String as options"),
        ("sendPoll", {"question": "?", "type": "quiz", "options": ["a"], "correct_option_ids": ["0"]},
         "correct option identifier must be of type Number"),
        ("answerInlineQuery", {"inline_query_id": "1", "results": ["x"]},
         "can't parse inline query result: Inline query result must be an object"),
        ("answerInlineQuery", {"inline_query_id": "1", "results": [{"type": "article"}]},
         'can\'t parse inline query result: Can\'t find field "id"'),
        ("answerInlineQuery", {"inline_query_id": "1", "button": {"text": "x"}},
         "can't parse inline query results button: InlineQueryResultsButton must have exactly one optional field"),
    ],
)  # fmt: skip
async def test_objects_of_other_calls_are_refused_in_the_servers_words(ann, wire, method, params, reason):
    reply = await wire(method, chat_id=ann.id, **params)
    assert (reply.status, reply.description) == (400, f"Bad Request: {reason}")


@pytest.mark.parametrize("given", ["en-US", "eng", "EN", "e", "ñu", "e1"])
@pytest.mark.parametrize(
    "method",
    [
        "setMyCommands", "getMyCommands", "deleteMyCommands", "setMyName", "getMyName", "setMyDescription", "getMyDescription",
        "setMyShortDescription", "getMyShortDescription",
    ],
)  # fmt: skip
async def test_a_language_has_two_small_letters(wire, method, given):
    """misc.cpp: validate_bot_language_code."""
    reply = await wire(
        method, language_code=given, commands=[{"command": "start", "description": "Start"}], name="Shop"
    )
    assert (reply.status, reply.description) == (400, "Bad Request: invalid language code specified")
    assert (await wire(method, language_code="ru", commands=[], name="Shop")).status == 200

"""How the Bot API server reads calls, and what it says of itself and of a bot, as its source has it.

HttpReader.cpp, HttpConnection.cpp, Query.cpp. Client.cpp: to_bool, get_allowed_update_types, JsonUser, JsonWebhookInfo,
process_set_webhook_query. MessageSendOptions.cpp.
"""

from __future__ import annotations

import pytest

FLAGS = {
    "can_join_groups", "can_read_all_group_messages", "supports_inline_queries", "supports_guest_queries",
    "can_connect_to_business", "has_main_web_app", "has_topics_enabled", "allows_users_to_create_topics", "can_manage_bots",
    "supports_join_request_queries",
}  # fmt: skip


@pytest.mark.parametrize("path", ["/?method=getMe", "/?method=GETME", "/test/?method=getMe"])
async def test_parameters_name_the_method_where_the_path_does_not(shop, wire, path):
    assert (await wire.send("GET", path)).result["username"] == shop.username


async def test_a_form_names_the_method_too(shop, wire):
    assert (await wire.send("POST", "/", data={"method": "getMe"})).result["username"] == shop.username
    assert (await wire.send("POST", "/", data={"method": "getNothing"})).status == 404


async def test_a_body_that_is_a_json_text_is_taken(shop, wire):
    headers = {"Content-Type": "application/json"}
    assert (await wire.send("POST", "/getMe", data='"text"', headers=headers)).result["username"] == shop.username


async def test_of_two_fields_with_one_name_the_first_counts(ann, wire):
    body = f'{{"chat_id": {ann.id}, "text": "first", "text": "second"}}'
    reply = await wire.send("POST", "/sendMessage", data=body, headers={"Content-Type": "application/json"})
    assert reply.result["text"] == "first"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('"a\nb"', "a\nb"),
        ('"a\tb"', "a b"),
        (r'"a\qb\-c"', "aqb-c"),
        (r'"a\\qb"', r"a\qb"),
        (r'"\ud83d\ude00"', "😀"),
    ],
)
async def test_a_text_in_json_may_hold_what_the_standard_forbids(ann, wire, written, read):
    """TDL: json_string_decode. Programs that write their JSON by hand send line breaks and escapes that there are not."""
    headers = {"Content-Type": "application/json"}
    body = f'{{"chat_id": {ann.id}, "text": {written}}}'
    assert (await wire.send("POST", "/sendMessage", data=body, headers=headers)).result["text"] == read
    markup = f'{{"inline_keyboard": [[{{"text": {written}, "callback_data": "x"}}]]}}'
    assert (await wire("sendMessage", chat_id=ann.id, text="hi", reply_markup=markup)).status == 200


@pytest.mark.parametrize("end", [",}", " , } "])
async def test_the_last_field_of_a_body_may_have_a_comma(ann, wire, end):
    body = f'{{"chat_id": {ann.id}, "text": "a,}}"{end}'
    headers = {"Content-Type": "application/json"}
    assert (await wire.send("POST", "/sendMessage", data=body, headers=headers)).result["text"] == "a,}"


@pytest.mark.parametrize(
    "body", ['{"text": "a" "b": 1}', '{"text": "a",,}', "[]", "5", "{", '{"text": [1,]}', "{'text': 1}", " "]
)
async def test_a_body_that_is_no_object_is_answered_with_nothing(wire, body):
    reply = await wire.send("POST", "/sendMessage", data=body, headers={"Content-Type": "application/json"})
    assert (reply.status, reply.text) == (400, "")


async def test_a_body_that_is_no_utf8_is_read_and_refused(ann, wire):
    body = f'{{"chat_id": {ann.id}, "text": "'.encode() + b'\xff"}'
    reply = await wire.send("POST", "/sendMessage", data=body, headers={"Content-Type": "application/json"})
    assert reply.description == "Bad Request: strings must be encoded in UTF-8"


@pytest.mark.parametrize("yes", [" true", "1\n", "\tYES ", "TRUE"])
async def test_a_yes_may_have_space_around_it(ann, wire, yes):
    sent = (await wire("sendMessage", chat_id=ann.id, text="hi", protect_content=yes)).result
    assert sent["has_protected_content"] is True


@pytest.mark.parametrize("no", ["on", "y", "2", "01", "t rue"])
async def test_everything_else_is_no(ann, wire, no):
    sent = (await wire("sendMessage", chat_id=ann.id, text="hi", protect_content=no)).result
    assert "has_protected_content" not in sent


async def test_get_me_tells_every_flag(wire):
    assert (await wire("getMe")).result.keys() >= FLAGS


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        (["MESSAGE", "Callback_Query"], ["callback_query", "message"]),
        (["message", "nonsense"], ["message"]),
        (["message", 5], ["poll"]),
        (["message", None], ["poll"]),
        ("message", ["poll"]),
        ('"message"', ["poll"]),
        ("[", ["poll"]),
        (["nonsense"], None),
        ([], None),
    ],
)
async def test_a_list_of_updates_counts_if_it_is_one_of_names(wire, given, allowed):
    await wire("getUpdates", allowed_updates=["poll"])
    await wire("getUpdates", allowed_updates=given)
    assert (await wire("getWebhookInfo")).result.get("allowed_updates") == allowed


@pytest.mark.parametrize(
    ("url", "ip_address", "told"),
    [
        ("http://127.0.0.1:9/x", None, "127.0.0.1"),
        ("http://localhost:9/x", None, "127.0.0.1"),
        ("https://example.com/x", "8.8.8.8", "8.8.8.8"),
        ("https://8.8.4.4/x", None, "8.8.4.4"),
        ("https://example.com/x", None, "<unknown>"),
        ("example.com/x", None, "<unknown>"),
    ],
)
async def test_a_webhook_has_an_ip_address(wire, url, ip_address, told):
    assert (await wire("setWebhook", url=url, ip_address=ip_address)).status == 200
    info = (await wire("getWebhookInfo")).result
    assert (info["url"], info["ip_address"]) == (url, told)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.com", "invalid webhook URL specified"),
        ("https://", "invalid webhook URL specified"),
        ("https://exa mple.com/", "invalid webhook URL specified"),
        ("https://example.com:0/", "invalid webhook URL specified"),
        ("https://exa<>mple.com/", "invalid webhook URL specified"),
        ("http://example.com/", "bad webhook: An HTTPS URL must be provided for webhook"),
        ("example.com:8080/", "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443"),
    ],
)
async def test_an_address_is_refused_in_the_servers_words(wire, url, reason):
    reply = await wire("setWebhook", url=url)
    assert (reply.status, reply.description) == (400, f"Bad Request: {reason}")


async def test_a_webhook_that_is_set_again_and_drops_what_waits_is_set(telegram, ann, shop, wire):
    await ann.says("waits", to=shop)
    await wire("setWebhook", url="http://127.0.0.1:9/x")
    await telegram.advance(1)
    assert (await wire("setWebhook", url="http://127.0.0.1:9/x")).json["description"] == "Webhook is already set"
    await telegram.advance(1)
    again = await wire("setWebhook", url="http://127.0.0.1:9/x", drop_pending_updates=True)
    assert again.json["description"] == "Webhook was set"
    assert (await wire("getWebhookInfo")).result["pending_update_count"] == 0


EFFECT = "5104841245755180586"
SENDS = {
    "sendMessage": {"text": "Thanks"},
    "sendPhoto": {"photo": "https://example.com/a.jpg"},
    "sendDice": {},
    "sendContact": {"phone_number": "1", "first_name": "x"},
    "sendLocation": {"latitude": 1, "longitude": 2},
    "sendPoll": {"question": "?", "options": ["a", "b"]},
    "sendPaidMedia": {"star_count": 1, "media": [{"type": "photo", "media": "https://example.com/a.jpg"}]},
}


@pytest.mark.parametrize("method", SENDS)
async def test_an_effect_is_taken_by_whatever_sends(ann, wire, method):
    sent = (await wire(method, chat_id=ann.id, message_effect_id=EFFECT, **SENDS[method])).result
    assert sent["effect_id"] == EFFECT


async def test_an_effect_is_taken_with_an_invoice_an_album_and_a_copy(ann, wire, invoice):
    sent = (await wire("sendInvoice", chat_id=ann.id, message_effect_id=EFFECT, **invoice)).result
    assert sent["effect_id"] == EFFECT
    photo = {"type": "photo", "media": "https://example.com/a.jpg"}
    album = await wire("sendMediaGroup", chat_id=ann.id, message_effect_id=EFFECT, media=[photo, photo])
    assert [one["effect_id"] for one in album.result] == [EFFECT, EFFECT]
    first = album.result[0]["message_id"]
    copy = await wire("copyMessage", chat_id=ann.id, from_chat_id=ann.id, message_id=first, message_effect_id=EFFECT)
    assert copy.status == 200


async def test_an_effect_is_for_private_chats(telegram, shop, wire):
    group = telegram.group("Readers", administrators=[shop])
    reply = await wire("sendMessage", chat_id=group.id, text="Thanks", message_effect_id=EFFECT)
    assert reply.description == "Bad Request: can't use message effects in the chat"


@pytest.mark.parametrize("none", ["", "0", "abc"])
async def test_an_effect_of_nothing_is_none(ann, wire, none):
    assert "effect_id" not in (await wire("sendMessage", chat_id=ann.id, text="hi", message_effect_id=none)).result


async def test_an_empty_caption_of_a_copy_takes_the_caption_away(ann, shop, wire):
    photo = await wire("sendPhoto", chat_id=ann.id, photo="https://example.com/a.jpg", caption="Look")
    params = {"chat_id": ann.id, "from_chat_id": ann.id, "message_id": photo.result["message_id"]}
    assert (await wire("copyMessage", **params, caption="")).status == 200
    assert ann.messages(shop)[-1].caption is None


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("abcde", "wrong remote file identifier specified: Wrong string length"),
        ("ab", "wrong remote file identifier specified: Wrong padding in the string"),
        ("abc=====", "wrong remote file identifier specified: Wrong string padding"),
        ("abcd=", "wrong remote file identifier specified: Wrong padding length"),
        ("a cd", "wrong remote file identifier specified: Wrong character in the string"),
        ("photo", "wrong remote file identifier specified: Wrong string length"),
        ("abcd", "wrong remote file identifier specified: can't unserialize it. Wrong last symbol"),
        ("AAAAAAAE", "wrong file identifier/HTTP URL specified"),
        ("====", "wrong remote file identifier specified: Wrong string padding"),
        ("=", "wrong remote file identifier specified: Wrong padding length"),
        ("file:///home/a.jpg", "invalid file HTTP URL specified: Unsupported URL protocol"),
        ("https://exa mple.com/a.jpg", "invalid file HTTP URL specified: Disallowed character in URL host"),
        ("/home/a.jpg", "invalid file HTTP URL specified: URL host is empty"),
        ("./a.jpg", "invalid file HTTP URL specified: Host is invalid"),
        ("https://localhost/a", "wrong remote file identifier specified: Wrong character in the string"),
    ],
)
async def test_a_file_that_is_none_is_refused_in_the_words_of_telegrams_library(ann, wire, given, reason):
    """FileManager.cpp: from_persistent_id; base64.cpp. A dot makes it an address."""
    reply = await wire("sendPhoto", chat_id=ann.id, photo=given)
    assert (reply.status, reply.description) == (400, f"Bad Request: {reason}")


async def test_an_address_of_a_file_needs_no_scheme(ann, wire):
    assert (await wire("sendPhoto", chat_id=ann.id, photo="example.com/a.jpg")).status == 200


@pytest.mark.parametrize("method", ["sendMessage", "sendInvoice", "sendPhoto"])
async def test_a_bot_does_not_write_to_itself(shop, wire, invoice, method):
    """`callback.message.from_user.id` is the bot's own id. MessagesManager.cpp: process_send_message_error."""
    content = invoice | {"text": "hi", "photo": "https://example.com/a.jpg"}
    reply = await wire(method, chat_id=shop.id, **content)
    assert (reply.status, reply.description) == (403, "Forbidden: the bot can't send messages to the bot")

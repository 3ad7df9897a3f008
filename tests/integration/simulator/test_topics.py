"""Topics of forums: made and closed by bots, written in by everybody, paid in."""

from __future__ import annotations

import pytest

from neonpay.errors import SimulatorError


@pytest.fixture
def forum(telegram, shop, ann):
    return telegram.group("Readers", members=[ann, shop], forum=True)


@pytest.fixture
def run_by_shop(telegram, shop, ann):
    return telegram.group("Club", members=[ann], administrators=[shop], forum=True)


async def test_a_topic_is_named_by_the_message_that_made_it(telegram, shop, bot, run_by_shop):
    topic = await bot.create_forum_topic(run_by_shop.id, "Orders", icon_color=0xFFD67E)
    made = telegram.updates(shop)[-1].payload
    assert (made["message_id"], made["message_thread_id"], made["is_topic_message"]) == (
        topic.message_thread_id, topic.message_thread_id, True,
    )  # fmt: skip
    assert made["forum_topic_created"] == {"name": "Orders", "icon_color": 0xFFD67E}
    assert (await bot.get_chat(run_by_shop.id)).is_forum


async def test_every_message_says_in_which_topic_it_stands(telegram, shop, ann, bot, forum, invoice):
    orders = telegram.topic(forum, "Orders")
    said = await bot.send_message(forum.id, "Here", message_thread_id=orders.id)
    assert (said.message_thread_id, said.is_topic_message) == (orders.id, True)
    assert said.reply_to_message.forum_topic_created.name == "Orders"
    general = await bot.send_message(forum.id, "There")
    assert (general.message_thread_id, general.is_topic_message, general.reply_to_message) == (None, None, None)
    sent = await bot.send_invoice(forum.id, **invoice, message_thread_id=orders.id)
    assert sent.message_thread_id == orders.id
    assert [message.message_id for message in ann.messages(orders)] == [orders.id, said.message_id, sent.message_id]
    assert (await ann.hears(orders, containing="A book")).message_id == sent.message_id
    assert (await ann.begins_to_pay(sent)).query_id


async def test_an_answer_stands_where_the_question_does(telegram, shop, ann, bot, run_by_shop):
    orders = telegram.topic(run_by_shop, "Orders")
    question = await ann.says("Where is it?", to=orders)
    told = telegram.updates(shop)[-1].payload
    assert (told["message_thread_id"], told["is_topic_message"], told["chat"]["is_forum"]) == (orders.id, True, True)
    answer = await bot.send_message(run_by_shop.id, "On its way", reply_to_message_id=question.message_id)
    assert (answer.message_thread_id, answer.reply_to_message.text) == (orders.id, "Where is it?")
    again = await ann.says("Thanks", to=run_by_shop, reply_to=answer)
    assert again.message_thread_id == orders.id


async def test_privacy_hides_what_stands_in_a_topic_that_the_bot_has_opened(telegram, shop, ann, bot):
    group = telegram.group("Readers", members=[ann, shop], forum=True)
    group.permissions |= {"can_manage_topics"}
    topic = group.topics[(await bot.create_forum_topic(group.id, "Orders")).message_thread_id]
    before = len(telegram.updates(shop))
    await ann.says("Among ourselves", to=topic)
    assert len(telegram.updates(shop)) == before
    await ann.says("/help", to=topic)
    assert telegram.updates(shop)[-1].payload["message_thread_id"] == topic.id


async def test_a_copy_leaves_its_topic(telegram, shop, ann, bot, forum):
    orders = telegram.topic(forum, "Orders")
    said = await bot.send_message(forum.id, "Here", message_thread_id=orders.id)
    forwarded = await bot.forward_message(ann.id, forum.id, said.message_id)
    assert (forwarded.message_thread_id, forwarded.is_topic_message) == (None, None)
    await bot.copy_message(ann.id, forum.id, said.message_id)
    assert ann.messages(shop)[-1].message_thread_id is None


@pytest.mark.parametrize("thread", [1, 999, 2**31])
async def test_a_topic_that_is_not_there_takes_nothing(wire, forum, ann, thread):
    reply = await wire("sendMessage", chat_id=forum.id, text="x", message_thread_id=thread)
    assert (reply.status, reply.description) == (400, "Bad Request: message thread not found")
    private = await wire("sendMessage", chat_id=ann.id, text="x", message_thread_id=thread)
    assert private.description == "Bad Request: message thread not found"


@pytest.mark.parametrize("thread", ["0", "-5", "words", ""])
async def test_a_number_that_is_none_names_no_topic(wire, forum, thread):
    reply = await wire("sendMessage", chat_id=forum.id, text="x", message_thread_id=thread)
    assert "message_thread_id" not in reply.result


async def test_a_group_that_is_no_forum_does_not_look_at_the_topic(telegram, shop, ann, wire):
    group = telegram.group("Readers", members=[ann, shop])
    assert (
        "message_thread_id" not in (await wire("sendMessage", chat_id=group.id, text="x", message_thread_id=7)).result
    )


async def test_a_closed_topic_is_closed_to_who_may_not_manage_it(telegram, shop, ann, wire, run_by_shop):
    orders = telegram.topic(run_by_shop, "Orders")
    place = {"chat_id": run_by_shop.id, "message_thread_id": orders.id}
    assert (await wire("closeForumTopic", **place)).result is True
    assert telegram.updates(shop)[-1].payload["forum_topic_closed"] == {}
    assert (await wire("sendMessage", **place, text="The shop may")).status == 200
    with pytest.raises(SimulatorError, match="closed"):
        await ann.says("Ann may not", to=orders)
    reply = await wire("closeForumTopic", **place)
    assert reply.description == "Bad Request: TOPIC_NOT_MODIFIED"
    assert (await wire("reopenForumTopic", **place)).result is True
    assert await ann.says("Now she may", to=orders)


async def test_a_member_is_refused_by_a_closed_topic(telegram, wire, forum):
    orders = telegram.topic(forum, "Orders")
    orders.is_closed = forum.topics[1].is_closed = True
    for thread in (orders.id, None):
        reply = await wire("sendMessage", chat_id=forum.id, text="x", message_thread_id=thread)
        assert (reply.status, reply.description) == (400, "Bad Request: TOPIC_CLOSED")


async def test_a_topic_is_renamed_once(telegram, shop, wire, run_by_shop):
    orders = telegram.topic(run_by_shop, "Orders")
    place = {"chat_id": run_by_shop.id, "message_thread_id": orders.id}
    assert (await wire("editForumTopic", **place, name="  Paid   orders ", icon_custom_emoji_id="5")).result is True
    edited = telegram.updates(shop)[-1].payload
    assert edited["forum_topic_edited"] == {"name": "Paid orders", "icon_custom_emoji_id": "5"}
    assert (await wire("editForumTopic", **place, name="Paid orders")).description == "Bad Request: TOPIC_NOT_MODIFIED"
    assert (await wire("editForumTopic", **place)).result is True


async def test_a_deleted_topic_takes_its_messages_along(telegram, shop, ann, wire, run_by_shop):
    orders = telegram.topic(run_by_shop, "Orders")
    said = await ann.says("Gone with it", to=orders)
    place = {"chat_id": run_by_shop.id, "message_thread_id": orders.id}
    assert (await wire("deleteForumTopic", **place)).result is True
    assert said.message_id not in [message.message_id for message in ann.messages(run_by_shop)]
    assert (await wire("sendMessage", **place, text="x")).description == "Bad Request: message thread not found"
    assert (await wire("deleteForumTopic", **place)).description == "Bad Request: TOPIC_ID_INVALID"


async def test_general_is_renamed_hidden_and_opened(telegram, shop, wire, run_by_shop):
    place = {"chat_id": run_by_shop.id}
    events = []
    for method in ("hide", "unhide", "reopen", "close"):
        assert (await wire(f"{method}GeneralForumTopic", **place)).result is True
        events += [name for name in telegram.updates(shop)[-1].payload if "forum_topic" in name]
    assert events == [
        "general_forum_topic_hidden", "general_forum_topic_unhidden", "forum_topic_reopened", "forum_topic_closed",
    ]  # fmt: skip
    assert (await wire("editGeneralForumTopic", **place, name="Hall")).result is True
    assert (await wire("unhideGeneralForumTopic", **place)).description == "Bad Request: TOPIC_NOT_MODIFIED"


async def test_pins_of_one_topic_are_taken_down(telegram, ann, wire, run_by_shop):
    orders = telegram.topic(run_by_shop, "Orders")
    inside, outside = await ann.says("a", to=orders), await ann.says("b", to=run_by_shop)
    for message in (inside, outside):
        await wire("pinChatMessage", chat_id=run_by_shop.id, message_id=message.message_id)
    assert ann.messages(orders)[-1].pinned_message.message_id == inside.message_id
    await wire("unpinAllForumTopicMessages", chat_id=run_by_shop.id, message_thread_id=orders.id)
    assert run_by_shop.pinned == [outside.message_id]
    await wire("unpinAllGeneralForumTopicMessages", chat_id=run_by_shop.id)
    assert run_by_shop.pinned == []


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        ("createForumTopic", {"name": "x"}, "not enough rights to create a topic"),
        ("editForumTopic", {"name": "x"}, "not enough rights to edit the topic"),
        ("closeForumTopic", {}, "not enough rights to close or open the topic"),
        ("reopenForumTopic", {}, "not enough rights to close or open the topic"),
        ("deleteForumTopic", {}, "not enough rights to delete the topic"),
        ("closeGeneralForumTopic", {}, "not enough rights to close or open the topic"),
        ("hideGeneralForumTopic", {}, "not enough rights to close or open the topic"),
        ("editGeneralForumTopic", {"name": "x"}, "not enough rights to edit the topic"),
    ],
)
async def test_a_member_manages_no_topics_of_others(telegram, wire, forum, method, params, words):
    place = {"chat_id": forum.id, "message_thread_id": telegram.topic(forum, "Orders").id}
    reply = await wire(method, **place, **params)
    assert (reply.status, reply.description) == (400, f"Bad Request: {words}")


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        ("createForumTopic", {}, "name must be non-empty"),
        ("createForumTopic", {"name": " \n "}, "name must be non-empty"),
        ("createForumTopic", {"name": "x", "icon_color": 2**24}, "invalid icon color specified"),
        ("createForumTopic", {"name": "x", "icon_color": -1}, "invalid icon color specified"),
        ("editForumTopic", {"name": "x"}, "invalid forum topic identifier specified"),
        ("editForumTopic", {"name": "x", "message_thread_id": 999}, "TOPIC_ID_INVALID"),
        ("closeForumTopic", {"message_thread_id": -7}, "invalid forum topic identifier specified"),
    ],
)
async def test_what_cannot_be_a_topic_is_refused_as_telegram_does(wire, run_by_shop, method, params, words):
    reply = await wire(method, chat_id=run_by_shop.id, **params)
    assert (reply.status, reply.description) == (400, f"Bad Request: {words}")


@pytest.mark.parametrize("method", ["createForumTopic", "closeForumTopic", "hideGeneralForumTopic"])
async def test_what_is_no_forum_has_no_topics(telegram, shop, ann, wire, method):
    group = telegram.group("Club", members=[ann], administrators=[shop])
    for chat_id in (group.id, ann.id):
        reply = await wire(method, chat_id=chat_id, name="x", message_thread_id=3)
        assert reply.description == "Bad Request: the chat is not a forum"


async def test_a_colour_that_is_not_documented_is_not_simulated(wire, run_by_shop):
    assert (await wire("createForumTopic", chat_id=run_by_shop.id, name="x", icon_color=5)).status == 501


async def test_a_long_name_is_cut(wire, run_by_shop):
    topic = await wire("createForumTopic", chat_id=run_by_shop.id, name="x" * 200)
    assert len(topic.result["name"]) == 128
    assert topic.result["icon_color"] == 0x6FB9F0


def test_only_supergroups_have_topics(telegram):
    with pytest.raises(SimulatorError, match="only a supergroup can be a forum"):
        telegram.group("Old", kind="group", forum=True)
    with pytest.raises(SimulatorError, match="is no forum"):
        telegram.topic(telegram.group("Plain"), "Orders")


def test_the_first_topic_of_all_is_not_general(telegram):
    forum = telegram.group("First", forum=True)
    assert telegram.topic(forum, "Orders").id not in {1, 0}

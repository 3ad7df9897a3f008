"""A guard bot decides on people who ask to be let in, at once or after they have used its Mini App."""

from __future__ import annotations

import pytest

from neonpay.errors import SimulatorError


@pytest.fixture
async def asked(telegram, shop, ann, wire):
    """A group with a guard and another administrator, into which Bob asks to be let; the id of the query."""
    group = telegram.group("Club", members=[ann], administrators=[shop, telegram.bot("other_bot")])
    group.guard = shop
    link = (await wire("createChatInviteLink", chat_id=group.id, creates_join_request=True)).result["invite_link"]
    bob = telegram.user("Bob")
    assert await bob.joins(link) == "asked"
    return group, bob, telegram.updates(shop)[-1].payload["query_id"]


async def answer(wire, query_id, result):
    return await wire("answerChatJoinRequestQuery", chat_join_request_query_id=query_id, result=result)


def is_in(group, person):
    return any(member.account.id == person.id for member in group.present())


@pytest.mark.parametrize(("result", "let_in"), [("approve", True), ("decline", False)])
async def test_a_guard_decides(telegram, wire, shop, asked, result, let_in):
    group, bob, query_id = asked
    assert (await answer(wire, query_id, result)).result is True
    assert is_in(group, bob) is let_in
    assert bob.id not in group.requests
    changes = [update.payload for update in telegram.updates(shop) if update.kind == "chat_member"]
    assert [
        change.get("via_join_request") for change in changes if change["new_chat_member"]["user"]["id"] == bob.id
    ] == ([True] if let_in else [])
    again = await answer(wire, query_id, result)
    assert again.description == "Bad Request: query is too old and response timeout expired or query ID is invalid"


async def test_a_queued_request_is_left_to_the_administrators(telegram, wire, asked):
    group, bob, query_id = asked
    assert [update.kind for update in telegram.updates(telegram.bot("other_bot"))].count("chat_join_request") == 0
    assert (await answer(wire, query_id, "queue")).result is True
    told = telegram.updates(telegram.bot("other_bot"))[-1]
    assert (told.kind, told.payload["from"]["id"], "query_id" in told.payload) == ("chat_join_request", bob.id, False)
    assert (await wire("approveChatJoinRequest", chat_id=group.id, user_id=bob.id)).result is True
    assert is_in(group, bob)


async def test_a_guard_that_is_late_has_left_the_request_to_the_administrators(telegram, wire, asked):
    _, _, query_id = asked
    await telegram.advance(10)
    assert telegram.updates(telegram.bot("other_bot"))[-1].kind == "chat_join_request"
    assert (await answer(wire, query_id, "approve")).status == 400


async def test_a_mini_app_is_shown_before_the_decision(telegram, wire, asked):
    group, bob, query_id = asked
    with pytest.raises(SimulatorError, match="shows Bob no Mini App"):
        bob.join_web_app(group)
    shown = await wire(
        "sendChatJoinRequestWebApp", chat_join_request_query_id=query_id, web_app_url="https://example.com/quiz"
    )
    assert shown.result is True
    assert bob.join_web_app(group) == "https://example.com/quiz"
    await telegram.advance(60)
    assert (await answer(wire, query_id, "approve")).result is True
    assert is_in(group, bob)


@pytest.mark.parametrize("result", ["", "maybe"])
async def test_a_decision_is_one_of_three(wire, asked, result):
    assert (await answer(wire, asked[2], result)).status == 400


@pytest.mark.parametrize("url", ["", "http://example.com", "words with spaces"])
async def test_a_mini_app_has_an_https_address(wire, asked, url):
    reply = await wire("sendChatJoinRequestWebApp", chat_join_request_query_id=asked[2], web_app_url=url)
    assert reply.status == 400


@pytest.mark.parametrize("query_id", ["0", "1", "words"])
async def test_a_query_that_nobody_asked_is_refused(wire, asked, query_id):
    reply = await answer(wire, query_id, "approve")
    assert reply.description == "Bad Request: query is too old and response timeout expired or query ID is invalid"

"""Whatever comes in: an answer in Telegram's form, and never a traceback."""

from __future__ import annotations

import asyncio
import json
import logging
from functools import cache
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neonpay.simulator.api import BotApi
from neonpay.simulator.clock import SteppedClock
from neonpay.simulator.known import known_methods
from neonpay.simulator.methods import SIMULATED
from neonpay.simulator.params import Params, Upload
from neonpay.simulator.world import World

USER_ID = 7_000

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
nested = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
buttons = st.fixed_dictionaries(
    {},
    optional={
        "text": st.text(max_size=5) | scalars,
        "callback_data": st.text(max_size=70),
        "url": st.text(max_size=30) | st.just("https://example.com"),
        "pay": st.booleans() | scalars,
    },
)
telling = st.one_of(
    st.just(str(USER_ID)),
    st.sampled_from(
        ["", "1", "-1", "XTR", "abc", "HTML", "MarkdownV2", "Markdown", "true", "null", "[]", "{}", "attach://f"]
    ),
    st.sampled_from(["https://t.me/$x", "http://127.0.0.1:9/x", "https://example.com:8443/"]),
    st.text(alphabet="<>/&;_*[]()`~|\\!.b i\n⭐\ud800", max_size=30),
    st.text(max_size=40),
    st.binary(max_size=20).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
    nested.map(json.dumps),
    st.lists(st.lists(buttons, max_size=3), max_size=3).map(lambda rows: json.dumps({"inline_keyboard": rows})),
    st.lists(st.fixed_dictionaries({"label": st.text(max_size=4), "amount": scalars}), max_size=2).map(json.dumps),
    st.integers().map(str),
)
uploads = st.builds(Upload, st.text(max_size=10), st.binary(max_size=40) | st.just(b"\xff\xd8\xff\xc0\x00\x05"))


@cache
def parameters(method: str):
    names = sorted(known_methods()[method].model_fields)
    likely = {
        "chat_id": str(USER_ID), "text": "hi", "title": "A book", "description": "x", "payload": "p", "currency": "XTR",
        "prices": '[{"label": "x", "amount": 5}]', "photo": "https://example.com/a.jpg", "message_id": "1", "timeout": "0",
    }  # fmt: skip
    required = {name: st.just(likely[name]) | telling for name in names if name in likely}
    required.pop("timeout", None)
    wild = {name: telling for name in names if name != "timeout" and name not in likely}
    return st.builds(
        Params,
        st.fixed_dictionaries(required, optional=wild),
        st.dictionaries(st.just("photo") | st.just("f"), uploads),
    )


@pytest.mark.parametrize("method", sorted(SIMULATED))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_no_parameters_make_the_simulator_fail(method, data):
    params = data.draw(parameters(method))
    answer = asyncio.run(answered(method, params))
    assert answer.status in {200, 400, 403, 404, 409, 413, 429, 501}, answer.body
    assert answer.body["ok"] is (answer.status == 200)
    json.dumps(answer.body)


async def answered(method: str, params: Params):
    world = World(SteppedClock(1_800_000_000), Random(1))  # noqa: S311 - repeatable on purpose
    bot = world.accounts.bot("shop_bot")
    person = world.accounts.user("Ann", stars=5, user_id=USER_ID)
    world.chats.post(world.chats.between(bot, person), {"text": "/start"}, by_bot=False)
    world.chats.post(world.chats.between(bot, person), {"text": "Hello"}, by_bot=True)
    try:
        answer = await BotApi(world).call(bot.token, method, params)
        assert list(world.journal)[-1].method == method
        return answer
    finally:
        await world.close()


async def test_a_bug_of_the_simulator_is_a_500_that_says_so(telegram, shop, wire, caplog):
    shop.first_name = None
    with caplog.at_level(logging.CRITICAL, "neonpay.simulator.api"):
        reply = await wire("getMe")
    assert reply.status == 500
    assert "bug in neonpay.simulator" in reply.description
    shop.first_name = "shop_bot"

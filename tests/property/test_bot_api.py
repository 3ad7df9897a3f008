"""The simulated Bot API answers whatever comes in as Telegram would: in its form, and never with ok for nonsense."""

from __future__ import annotations

import asyncio
import json
from functools import cache

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from neonpay.simulator import Simulator
from neonpay.simulator.http.api import BotApi
from neonpay.simulator.methods import SIMULATED, SUBJECTS
from neonpay.simulator.wire.known import known_methods
from neonpay.simulator.wire.params import Params, Upload
from tests.property.bot_api_stage import STRUCTURED, VALID, Stage, as_params, set_up

STATUSES = {200, 400, 403, 404, 409, 413, 429, 501}
OPTIONAL_TO_THE_SERVER = {
    ("answerInlineQuery", "results"),  # SRV: none is no results
    ("editGeneralForumTopic", "name"),  # SRV: an empty name changes nothing
    ("editUserStarSubscription", "is_canceled"),  # SRV: a flag that is not set is no
    ("restrictChatMember", "permissions"),  # SRV: as before Bot API 4.4, no permission at all
    ("setChatAdministratorCustomTitle", "custom_title"),  # API: 0 to 16 characters
    ("setMyCommands", "commands"),  # SRV: none is no commands
    ("setWebhook", "url"),  # API: an empty one removes the webhook
}


@cache
def returned_by(method: str) -> TypeAdapter[object]:
    return TypeAdapter(known_methods()[method].__returning__)


def unknown_fields(value: object, at: str = "") -> list[str]:
    """Fields that the Bot API does not have."""
    if isinstance(value, list):
        return [found for item in value for found in unknown_fields(item, at)]
    if not isinstance(value, BaseModel):
        return []
    own = [f"{at}{type(value).__name__}.{name}" for name in value.model_extra or {}]
    inner = [found for name in type(value).model_fields for found in unknown_fields(getattr(value, name), at)]
    return own + inner


def check(method: str, answer) -> None:
    assert answer.status in STATUSES, (method, answer.body)
    assert answer.body["ok"] is (answer.status == 200)
    json.dumps(answer.body)
    if answer.status == 200:
        result = returned_by(method).validate_python(answer.body["result"])
        assert unknown_fields(result) == [], method
    else:
        assert answer.body["error_code"] == answer.status
        assert isinstance(answer.body["description"], str)


def run(play):
    async def whole():
        stage = await set_up()
        try:
            return await play(stage)
        finally:
            await stage.world.close()

    return asyncio.run(whole())


def test_every_simulated_method_has_a_call_that_is_right():
    assert set(VALID) == set(SIMULATED)


@pytest.mark.parametrize("method", sorted(VALID))
def test_a_right_call_is_answered_with_what_the_method_returns(method):
    async def play(stage: Stage):
        answer = await stage.call(method, VALID[method](stage))
        assert answer.status == 200, answer.body
        check(method, answer)

    run(play)


def required(method: str) -> list[str]:
    return [name for name, one in known_methods()[method].model_fields.items() if one.is_required()]


MISSING = [
    (method, name)
    for method in sorted(VALID)
    for name in required(method)
    if (method, name) not in OPTIONAL_TO_THE_SERVER
]


def test_a_call_without_what_it_needs_is_never_ok():
    async def play(stage: Stage):
        for method, name in MISSING:
            wanted = VALID[method](stage)
            assert name in wanted, (method, name)
            for rest in ({}, {name: ""}):
                answer = await stage.call(method, {key: value for key, value in wanted.items() if key != name} | rest)
                check(method, answer)
                assert answer.status in {400, 403}, (method, name, answer.body)

    run(play)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
nested = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
words = st.one_of(
    st.sampled_from(
        [
            "",
            "0",
            "1",
            "-1",
            "XTR",
            "abc",
            "HTML",
            "MarkdownV2",
            "Markdown",
            "true",
            "null",
            "[]",
            "{}",
            "[{}]",
            "[[]]",
            "[null]",
            "attach://f",
            "https://t.me/$x",
            "http://127.0.0.1:9/x",
            "9" * 30,
            "1e9",
            "NaN",
            "@readers",
            "0x7",
        ]
    ),
    st.text(alphabet="<>/&;_*[]()`~|\\!.b i\n⭐\ud800", max_size=30),
    st.text(max_size=40),
    st.binary(max_size=20).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
    nested.map(json.dumps),
    st.integers().map(str),
)
uploads = st.builds(Upload, st.text(max_size=10), st.binary(max_size=40) | st.just(b"\xff\xd8\xff\xc0\x00\x05"))


def mangled(value: object) -> st.SearchStrategy[object]:
    """Something that is almost this value: a part of it replaced, left out or repeated."""
    if isinstance(value, dict) and value:
        return st.sampled_from(sorted(value)).flatmap(
            lambda name: st.one_of(
                (mangled(value[name]) | nested).map(lambda other: {**value, name: other}),
                st.just({key: item for key, item in value.items() if key != name}),
            )
        )
    if isinstance(value, list) and value:
        return st.one_of(
            st.just(value * 60),
            st.just([]),
            mangled(value[0]).map(lambda other: [other, *value[1:]]),
            nested.map(lambda other: [*value, other]),
        )
    return nested


@st.composite
def nonsense(draw, method: str, right: dict[str, object]) -> Params:
    """A right call with some of it replaced and some more of the method's parameters."""
    params = as_params(right)
    fields = sorted(known_methods()[method].model_fields)
    for name in draw(st.lists(st.sampled_from(fields), max_size=3, unique=True)) if fields else ():
        value = right.get(name, STRUCTURED.get(name))
        almost = mangled(value).map(json.dumps) if isinstance(value, dict | list) else words
        params.values[name] = draw(almost | words)
    files = draw(st.dictionaries(st.sampled_from(["f", *fields]), uploads, max_size=1))
    return Params(params.values, files)


@st.composite
def calls(draw, stage: Stage, methods: list[str]) -> tuple[str, Params]:
    method = draw(st.sampled_from(methods))
    params = draw(nonsense(method, VALID[method](stage)))
    params.values["timeout"] = "0"
    return method, params


@pytest.mark.parametrize("subject", sorted(SUBJECTS))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_no_parameters_make_a_method_fail_or_answer_what_it_does_not_return(subject, data):
    async def play(stage: Stage):
        for _ in range(8):
            method, params = data.draw(calls(stage, sorted(SUBJECTS[subject])))
            check(method, await BotApi(stage.world).call(stage.token, method, params))

    run(play)


def encoded(how: str, params: dict[str, str]) -> dict[str, object]:
    if how == "query":
        return {"params": params}
    if how == "json":
        return {"json": params}
    if how == "urlencoded":
        return {"data": params}
    form = aiohttp.MultipartWriter("form-data")
    for name, value in params.items():
        form.append(value).set_content_disposition("form-data", name=name)
    return {"data": form}


@pytest.fixture(scope="module")
def wired():
    """A simulator and a client that outlive one example."""
    with asyncio.Runner() as runner:
        telegram = Simulator()
        runner.run(telegram.start())

        async def client():
            return aiohttp.ClientSession()

        http = runner.run(client())
        yield runner, telegram, http
        runner.run(http.close())
        runner.run(telegram.stop())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    method=st.sampled_from(["sendMessage", "sendInvoice", "setMyCommands", "getStarTransactions", "sendGift"]),
    values=st.dictionaries(
        st.sampled_from(["chat_id", "text", "title", "payload", "prices", "limit", "commands", "reply_markup", "a&=x"]),
        st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), nested.map(json.dumps)),
        min_size=1,
        max_size=5,
    ),
)
def test_every_encoding_means_the_same_call(wired, method, values):
    runner, telegram, http = wired
    url = f"{telegram.base_url}/bot{telegram.bot('shop_bot').token}/{method}"

    async def play():
        answers = []
        for how in ("query", "urlencoded", "multipart", "json"):
            async with http.post(url, **encoded(how, values)) as response:
                answers.append((response.status, await response.json()))
        return answers

    answers = runner.run(play())
    assert all(answer == answers[0] for answer in answers), answers
    assert answers[0][0] in STATUSES
    said = [call.params for call in telegram.calls()[-4:]]
    assert all(one == said[0] for one in said), said

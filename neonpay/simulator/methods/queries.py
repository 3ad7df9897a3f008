"""Answers to what people press, ask inline, and do in Mini Apps."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aiogram import types

from neonpay.simulator.calls.inline_results import read_result, read_results
from neonpay.simulator.calls.requests import Done, Method, Request
from neonpay.simulator.inline import PREPARED_LIFETIME_S, InlineAnswer
from neonpay.simulator.methods.depth import simulated
from neonpay.simulator.money.presses import Pressed
from neonpay.simulator.wire.objects import build, dump
from neonpay.simulator.wire.refusal import Unreadable, bad_request, inside

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.inline import InlineQuery, InlineResult

CALLBACK_ANSWER_MAX_CHARS: Final = 200
"""Longest notification of answerCallbackQuery (API)."""
CALLBACK_LIFETIME_S: Final = 150
"""Time for which a press can be answered: as long as an undelivered one is kept (SRV); Telegram publishes no number."""
_TOO_OLD: Final = "query is too old and response timeout expired or query ID is invalid"  # SRV maps QUERY_ID_INVALID


@simulated("Once for each press, within 150 s; cache_time is ignored.")
def answer_callback_query(request: Request) -> Done:
    """Tell the person who pressed a button what it did."""
    params, world = request.params, request.world
    text = params.text("text")
    press = world.presses.get(params.text("callback_query_id"))
    too_late = press is not None and world.clock.now() - press.pressed_at > CALLBACK_LIFETIME_S
    if press is None or press.bot_id != request.bot.id or press.answer is not None or too_late:
        raise bad_request(_TOO_OLD)
    if len(text) > CALLBACK_ANSWER_MAX_CHARS:
        raise bad_request("MESSAGE_TOO_LONG")  # ERR
    press.answer = Pressed(
        "callback", answered=True, text=text, show_alert=params.boolean("show_alert"), url=params.text("url")
    )
    world.bell.ring()
    return Done(True)


@simulated(
    "Every kind of result but games, with every kind of content, invoices too, which can be paid where they are sent. Answers "
    "are not cached.",
    refuses="Games, rich messages.",
)
def answer_inline_query(request: Request) -> Done:
    """Show results to the person who asked inline."""
    params = request.params
    button_text, start_parameter = _button(request)
    results = read_results(request)
    answer = InlineAnswer(request.bot, "", results, button_text, start_parameter, params.text("next_offset"))
    request.world.inline.answer(request.bot, params.text("inline_query_id"), answer)
    return Done(True)


@simulated("For Mini Apps opened by `Buyer.opens_web_app`; the message goes into the chat with the bot.")
def answer_web_app_query(request: Request) -> Done:
    """Send a message on behalf of the person in a Mini App."""
    result = _result(request)
    asked = request.world.inline.web_app_queries.get(request.params.text("web_app_query_id"))
    if asked is None or asked.bot is not request.bot:
        raise bad_request(_TOO_OLD)
    del request.world.inline.web_app_queries[asked.id]
    inline_id = _write_as(request, asked, result)
    return Done(dump(build(types.SentWebAppMessage, inline_message_id=inline_id)))


@simulated("Kept for a day and sent by nobody: a Mini App's `shareMessage` is not simulated.")
def save_prepared_inline_message(request: Request) -> Done:
    """Keep a message that a person can send from a Mini App."""
    params, world = request.params, request.world
    user_id = params.integer("user_id")
    if user_id <= 0:
        raise bad_request("invalid user_id specified")  # SRV: get_user_id
    result = _result(request)
    user = world.accounts.users.get(user_id)
    if user is None or not world.chats.between(request.bot, user).known:
        raise bad_request("USER_ID_INVALID")  # UNVERIFIED word
    expires_at = int(world.clock.now()) + PREPARED_LIFETIME_S
    asked = world.inline.ask(request.bot, user, "")
    world.inline.prepared[asked.id] = (asked, result, expires_at)
    return Done(dump(build(types.PreparedInlineMessage, id=asked.id, expiration_date=expires_at)))


def _result(request: Request) -> InlineResult:
    if not request.params.values.get("result"):
        raise bad_request("result isn't specified")  # SRV
    given = request.params.json("result", "JSON encoded web view query results")
    return read_result(request, given)


def _write_as(request: Request, asked: InlineQuery, result: InlineResult) -> str | None:
    world = request.world
    fields = {name: value for name, value in result.content.items() if value is not None}
    chat = world.chats.between(request.bot, asked.asker)
    post = world.chats.post(chat, fields | {"via_bot": request.bot.as_user}, by_bot=False, invoice=result.invoice)
    world.tell(request.bot, "message", dump(post.message), (asked.asker.id, "message"))
    return world.inline.keep(post) if "reply_markup" in fields else None


def _button(request: Request) -> tuple[str, str]:
    params = request.params
    words = "Can't parse inline query results button"
    said = params.fields(
        "button", "inline query results button", f"{words}: InlineQueryResultsButton must be an Object"
    )
    if said is None:
        return params.text("switch_pm_text"), params.text("switch_pm_parameter")
    with inside(words):
        text = said.required_text("text")
        if "start_parameter" in said:
            return text, said.required_text("start_parameter")
        if "web_app" not in said:
            raise Unreadable("InlineQueryResultsButton must have exactly one optional field")
        said.required_inner("web_app").required_text("url")
        return text, ""


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "answerCallbackQuery": answer_callback_query,
        "answerInlineQuery": answer_inline_query,
        "answerWebAppQuery": answer_web_app_query,
        "savePreparedInlineMessage": save_prepared_inline_message,
    }
)

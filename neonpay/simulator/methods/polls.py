"""Polls sent and stopped."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from neonpay.simulator.calls.keyboards import inline_keyboard
from neonpay.simulator.calls.markups import read_markup
from neonpay.simulator.calls.requests import Done, Method, Request
from neonpay.simulator.calls.sending import send
from neonpay.simulator.calls.targets import to_edit
from neonpay.simulator.chats.polls import read_poll
from neonpay.simulator.methods.depth import simulated
from neonpay.simulator.wire.objects import dump
from neonpay.simulator.wire.refusal import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping


@simulated(
    "Regular polls and quizzes; people vote by `Buyer.votes`, and the bot hears `poll` and `poll_answer`.",
    refuses="Media, descriptions, closing by time, countries, options added by voters.",
)
def send_poll(request: Request) -> Done:
    """Ask the people of a chat."""
    poll = read_poll(request.params, request.bot, request.world.random)
    post = send(request, {"poll": poll.as_json}, permission="can_send_polls")
    request.world.polls.put(poll, post)
    return Done(dump(post.message))


@simulated("As the Bot API has it.")
def stop_poll(request: Request) -> Done:
    """Close a poll of the bot's own."""
    markup = read_markup(request.params)
    post = to_edit(request, "message with poll to stop")
    poll = request.world.polls.of(post)
    if poll is None:
        raise bad_request("message is not a poll")  # TDL
    if poll.fields["is_closed"]:
        raise bad_request("poll has already been closed")  # seen live; TDL
    request.world.chats.rewrite(post, {"reply_markup": inline_keyboard(markup)})
    request.world.polls.close(poll)
    return Done(poll.as_json)


METHODS: Final[Mapping[str, Method]] = MappingProxyType({"sendPoll": send_poll, "stopPoll": stop_poll})

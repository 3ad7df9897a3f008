"""The kinds of updates that bots are told here, and by what each is made; shown in the documentation."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

TOLD: Final[Mapping[str, str]] = MappingProxyType(
    {
        "business_connection": "`Buyer.connects_business` and `disconnects_business`.",
        "callback_query": "`Buyer.presses`, under messages in chats and under inline messages. Lives 150 s.",
        "channel_post": "Posts in channels, by people and by other bots.",
        "chat_join_request": "`Buyer.joins` by a link that asks; for bots that may invite.",
        "chat_member": "Whoever comes, goes or changes, for administrators that ask for it; also a renewed place in a "
        "channel, which is UNVERIFIED.",
        "chosen_inline_result": "`Buyer.picks`, as if @BotFather's feedback were at 100 %. Lives 600 s.",
        "edited_channel_post": "A post that another bot edits.",
        "edited_message": "`Buyer.edits`.",
        "inline_query": "`Buyer.asks`. Lives 30 s.",
        "message": "Everything that people write and send, in groups as privacy mode has it, and service messages: of "
        "payments, refunds, members, pins, titles, suggested posts.",
        "message_reaction": "`Buyer.reacts`, for bots that ask for it; in groups for administrators.",
        "my_chat_member": "`Buyer.blocks` and `unblocks`; the bot is added, promoted, removed, or leaves.",
        "poll": "Votes in the bot's polls, and their end.",
        "poll_answer": "Votes in the bot's polls that are not anonymous.",
        "pre_checkout_query": "`Buyer.pays` and `begins_to_pay`. The deadline is ten seconds; the update lives 150 s.",
        "purchased_paid_media": "`Buyer.buys`, of media with a payload that the bot sent elsewhere than to a channel.",
        "subscription": "A subscription is cancelled or restored by its person, or a renewal fails.",
    }
)
"""What makes an update, by its kind; every other kind is never told."""

"""Which bots of a group hear what is written in it (https://core.telegram.org/bots/features#privacy-mode, read 2026-11-20)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from neonpay.simulator.wire.objects import dump

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.simulator.chats.accounts import Accounts, BotAccount
    from neonpay.simulator.chats.groups import Group
    from neonpay.simulator.chats.posts import Post

_COMMAND: Final = re.compile(r"/[A-Za-z0-9_]{1,64}(?:@([A-Za-z0-9_]{3,32}))?(?![\w/])")


class GroupTalk:
    """Tells bots of messages in groups and channels."""

    def __init__(
        self,
        accounts: Accounts,
        tell: Callable[[BotAccount, str, dict[str, object], tuple[int, str]], object],
        find: Callable[[int], Post | None],
    ) -> None:
        self._accounts = accounts
        self._tell = tell
        self._find = find

    def tell(self, group: Group, post: Post, *, edited: bool = False) -> None:
        """A message was written, or changed."""
        kind = "channel_post" if group.kind == "channel" else "message"
        if edited:
            kind = f"edited_{kind}"
        for member in list(group.present()):
            bot = self._accounts.bots.get(member.account.id)
            # SRV, need_skip_update_message: of what a bot does itself it hears only the service messages.
            if bot is not None and (bot.id != post.author_id or post.is_service) and self._hears(bot, group, post):
                self._tell(bot, kind, dump(post.message), (group.id, "message"))

    def _hears(self, bot: BotAccount, group: Group, post: Post) -> bool:
        message = post.message
        if group.kind == "channel" or post.is_service or group.parent is not None:
            return True
        if post.by_bot:
            return False  # bots never hear other bots in groups (https://core.telegram.org/bots/faq, read 2026-11-20)
        if bot.reads_all_group_messages or group.member(bot).is_admin:
            return True
        if message.via_bot is not None and message.via_bot.id == bot.id:
            return True
        answered = message.reply_to_message
        if answered is not None and answered.forum_topic_created is not None:
            answered = None  # UNVERIFIED: that what stands in a topic is no answer to the bot that opened it
        if answered is not None and (original := self._find(answered.message_id)) is not None:
            return original.author_id == bot.id
        return _addresses(bot, message.text or message.caption or "")


def _addresses(bot: BotAccount, text: str) -> bool:
    match = _COMMAND.match(text)
    if match is not None:
        return match.group(1) is None or match.group(1).lower() == bot.username.lower()
    return f"@{bot.username.lower()}" in text.lower()

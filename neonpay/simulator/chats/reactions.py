"""Emoji that bots and people put under messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiogram import types

from neonpay.simulator.wire.objects import build, dump

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from neonpay.simulator.chats.accounts import Accounts, BotAccount, UserAccount
    from neonpay.simulator.chats.book import Chats
    from neonpay.simulator.chats.posts import Post
    from neonpay.simulator.clock import SteppedClock

_REACTIONS: Final = (
    "❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤\u200d🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 "
    "🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨\u200d💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 "
    "🤷\u200d♂ 🤷 🤷\u200d♀ 😡"
)
REACTIONS: Final = frozenset(_REACTIONS.split())
"""What can be reacted with (API, ReactionTypeEmoji)."""


class Reactions:
    """Who has reacted how, by message and account."""

    def __init__(
        self,
        accounts: Accounts,
        chats: Chats,
        clock: SteppedClock,
        tell: Callable[[BotAccount, str, dict[str, object], tuple[int, str]], object],
    ) -> None:
        self._accounts = accounts
        self._chats = chats
        self._clock = clock
        self._tell = tell
        self._by_message: dict[int, dict[int, tuple[str, ...]]] = {}

    def under(self, message_id: int) -> dict[int, tuple[str, ...]]:
        """The emoji under a message, by who put them there."""
        return dict(self._by_message.get(message_id, {}))

    def set(self, post: Post, account: BotAccount | UserAccount, emoji: Sequence[str]) -> None:
        """React in place of what one had reacted before; bots that may know are told of people's reactions."""
        number = post.message.message_id
        old = self._by_message.setdefault(number, {}).pop(account.id, ())
        if emoji:
            self._by_message[number][account.id] = tuple(emoji)
        if account.id in self._accounts.bots or tuple(emoji) == old:
            return  # API, Update.message_reaction: not for reactions set by bots
        update = build(
            types.MessageReactionUpdated,
            chat=dump(post.message.chat),
            message_id=number,
            user=account.as_user,
            date=int(self._clock.now()),
            old_reaction=[{"type": "emoji", "emoji": one} for one in old],
            new_reaction=[{"type": "emoji", "emoji": one} for one in emoji],
        )
        for bot in self._listeners(post):
            self._tell(bot, "message_reaction", dump(update), (post.owner_id, "reaction"))

    def _listeners(self, post: Post) -> list[BotAccount]:
        group = self._chats.groups.get(post.owner_id)
        if group is None:
            return [self._accounts.bots[post.bot_id]]
        # API, Update.message_reaction: administrators; in channels reactions are anonymous.
        bots = self._accounts.bots
        admins = [member for member in group.present() if member.is_admin and group.kind != "channel"]
        return [bots[member.account.id] for member in admins if member.account.id in bots]

"""What people write, and what they hear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neonpay.core.limits import MESSAGE_TEXT_MAX_CHARS
from neonpay.errors import SimulatorError
from neonpay.simulator.bell import PATIENCE_S
from neonpay.simulator.chats.accounts import BotAccount
from neonpay.simulator.chats.groups import ForumTopic, Group
from neonpay.simulator.people.persons import Person, Where
from neonpay.simulator.text.formatting import typed_text
from neonpay.simulator.wire.objects import dump

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiogram import types

    from neonpay.simulator.chats.posts import Post


class Speaker(Person):
    """Somebody who talks with bots, alone or in groups."""

    def messages(self, where: Where | None = None) -> list[types.Message]:
        """Everything that is in the chat with a bot, in a group or in a topic, now, oldest first, as it looks now."""
        return [self._look(post) for post in self._posts(where or self._only_bot()) if not post.deleted]

    async def says(self, text: str, *, to: Where | None = None, reply_to: types.Message | None = None) -> types.Message:
        """Write to a bot, in a group or in a topic; to the only bot there is when left out.

        The first words to a bot let it write back, and ``/start`` with a parameter is a deep link. In a group a bot hears
        what Telegram lets it hear: everything if it is an administrator, else commands, mentions and replies to it.

        Raises:
            SimulatorError: the text is empty or too long, this person has blocked the bot, or may not write in the group.
        """
        if not text.strip() or len(text) > MESSAGE_TEXT_MAX_CHARS:
            raise SimulatorError(f"a message has 1 to {MESSAGE_TEXT_MAX_CHARS} characters")
        fields = typed_text(text).fields("text", "entities")
        answering = None if reply_to is None else self._seen(reply_to)
        where = to or self._only_bot()
        if not isinstance(where, Group | ForumTopic):
            self._notes("says", text, bot_id=where.id)
        return self._write(where, fields, answering=answering).message

    async def edits(self, message: types.Message, text: str) -> types.Message:
        """Change a text of one's own; the bots that heard it hear of it.

        Raises:
            SimulatorError: it is not this person's, or has no text.
        """
        post = self._seen(message)
        if post.author_id != self.id or post.message.text is None:
            raise SimulatorError(f"message {message.message_id} is no text of {self.name}'s")
        self._world.chats.rewrite(post, typed_text(text).fields("text", "entities"))
        group = self._world.chats.groups.get(post.owner_id)
        if group is not None:
            self._world.talk.tell(group, post, edited=True)
        else:
            self._world.tell(self._bot(post.bot_id), "edited_message", dump(post.message), (self.id, "message"))
        return post.message

    async def hears(
        self,
        bot: Where | None = None,
        *,
        in_: Group | ForumTopic | None = None,
        timeout_s: float = PATIENCE_S,
        containing: str | None = None,
        predicate: Callable[[types.Message], bool] | None = None,
    ) -> types.Message:
        """Wait for the next message from ``bot`` that has not been heard yet; those passed over count as heard.

        ``hears(group)`` and ``hears(topic)`` are the next one that any bot writes there.

        Service messages are not words: ``messages`` has them.

        Args:
            bot: who writes, or the group or topic in which anybody of them does; the only bot there is when left out.
            in_: in which group or topic; in the private chat when left out.
            timeout_s: real seconds.
            containing: only a message with this in its text, caption or invoice title.
            predicate: only a message for which this is true.

        Raises:
            SimulatorError: this person is not in the group.
            SimulatorTimeoutError: none came.
        """
        if not (bot is None or isinstance(bot, BotAccount) or in_ in {None, bot}):
            raise SimulatorError("say once in which group: hears(group), or hears(bot, in_=group)")
        writer = None if isinstance(bot, Group | ForumTopic) else bot or self._only_bot()
        where: Where = bot if isinstance(bot, Group | ForumTopic) else in_ or bot or self._only_bot()

        def look() -> types.Message | None:
            unheard = [post for post in self._posts(where) if self._is_news(post, writer)]
            for number, post in enumerate(unheard):
                if _says(post.message, containing) and (predicate is None or predicate(post.message)):
                    for heard in unheard[: number + 1]:
                        heard.heard_by.add(self.id)
                    return self._look(post)
            return None

        wanted = f" containing {containing!r}" if containing else ""
        place = where.title if isinstance(where, Group) else where.name if isinstance(where, ForumTopic) else ""
        whose = f"any bot in {place!r}" if writer is None else writer.username
        return await self._world.bell.wait_for(
            look, timeout_s=timeout_s, what=f"a message from {whose} to {self.name}{wanted}"
        )

    def _is_news(self, post: Post, bot: BotAccount | None) -> bool:
        is_meant = bot is None or post.bot_id == bot.id
        return post.is_words_of_bot and is_meant and self.id not in post.heard_by

    def _posts(self, where: Where) -> list[Post]:
        if isinstance(where, ForumTopic):
            return [post for post in self._posts(where.group) if where.has(post)]
        if not isinstance(where, Group):
            return self._chat(where).posts
        if where.parent is not None:
            return [post for post in where.posts if self._sees(post)]
        if not where.is_public and not where.member(self._account).is_in:
            raise SimulatorError(f"{self.name} is not in {where.title!r}")
        return where.posts


def _says(message: types.Message, words: str | None) -> bool:
    title = message.invoice.title if message.invoice is not None else ""
    return words is None or any(words in text for text in (message.text or "", message.caption or "", title))

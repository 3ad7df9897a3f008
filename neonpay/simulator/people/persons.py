"""What every person of this Telegram is and sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from neonpay.errors import SimulatorError
from neonpay.simulator.chats.accounts import BotAccount
from neonpay.simulator.chats.groups import GENERAL_ID, ForumTopic, Group
from neonpay.simulator.diary import Note
from neonpay.simulator.wire.objects import dump

if TYPE_CHECKING:
    from aiogram import types

    from neonpay.simulator.chats.accounts import UserAccount
    from neonpay.simulator.chats.book import Chat
    from neonpay.simulator.chats.posts import Post
    from neonpay.simulator.money.checkout import Checkout
    from neonpay.simulator.world import World


Where: TypeAlias = BotAccount | Group | ForumTopic
"""Where people write: to a bot, in a group, or in a topic of a forum."""


class Person:
    """Somebody, without anything that they do."""

    def __init__(self, world: World, account: UserAccount) -> None:
        self._world = world
        self._account = account

    @property
    def id(self) -> int:
        """The user id, which is also the id of the private chat with this person."""
        return self._account.id

    @property
    def name(self) -> str:
        """The first name."""
        return self._account.first_name

    def _notes(
        self,
        verb: str,
        what: str | float = "",
        *,
        bot_id: int = 0,
        message_id: int = 0,
        checkout: Checkout | None = None,
    ) -> None:
        """Write down what this person does."""
        after = self._world.chats.newest_id
        self._world.diary.append(Note(verb, what, self.id, bot_id, message_id, after, checkout))

    def _write(self, to: Where, fields: dict[str, object], *, answering: Post | None = None) -> Post:
        """Put a message of this person's where it belongs and tell the bots that hear it."""
        if answering is not None:
            fields = fields | {"reply_to_message": quoted(answering)}
        if isinstance(to, ForumTopic):
            return self._write_in(to.group, fields, to)
        if isinstance(to, Group):
            return self._write_in(to, fields, self._topic_in(to, answering))
        chat = self._chat(to)
        if chat.blocked:
            raise SimulatorError(f"{self.name} has blocked {to.username}; unblocks() first")
        post = self._world.chats.post(chat, fields, by_bot=False)
        self._world.tell(to, "message", dump(post.message), (self.id, "message"))
        return post

    def _write_in(self, group: Group, fields: dict[str, object], forum_topic: ForumTopic | None = None) -> Post:
        if group.parent is not None:
            topic = {"topic_id": self.id, "user": self._account.as_user}
            return self._world.chats.post_in(group, self._account, fields | {"direct_messages_topic": topic})
        member = group.member(self._account)
        silenced = member.status == "restricted" and "can_send_messages" not in member.permissions
        muted = member.status == "member" and "can_send_messages" not in group.permissions
        may = (
            member.can("can_post_messages") if group.kind == "channel" else member.is_in and not silenced and not muted
        )
        if not may:
            raise SimulatorError(f"{self.name} may not write in {group.title!r}")
        if forum_topic is None:
            return self._world.chats.post_in(group, self._account, fields)
        if not forum_topic.lets_write(member):
            raise SimulatorError(f"{self.name} may not write in {forum_topic.name!r}, which is closed")
        return self._world.chats.post_in(group, self._account, fields | forum_topic.mark)

    def _topic_in(self, group: Group, answering: Post | None) -> ForumTopic | None:
        topics = group.topics.values()
        answered = None if answering is None else next((topic for topic in topics if topic.has(answering)), None)
        return answered or group.topics.get(GENERAL_ID)

    def _seen(self, message: types.Message) -> Post:
        post = self._world.chats.find(message.message_id)
        if post is None or not self._sees(post):
            raise SimulatorError(
                f"{self.name} does not see message {message.message_id}; receives() gets a forwarded copy of somebody else's"
            )
        return post

    def _look(self, post: Post) -> types.Message:
        """The message as this person sees it."""
        return self._world.paid_media.seen_by(post.message, self.id)

    def _sees(self, post: Post) -> bool:
        group = self._world.chats.groups.get(post.owner_id)
        if group is None:
            return post.owner_id == self.id
        if group.parent is not None:
            topic = post.message.direct_messages_topic
            return topic is not None and topic.topic_id == self.id
        return group.is_public or group.member(self._account).is_in

    def _only_bot(self) -> BotAccount:
        return self._world.accounts.only_bot()

    def _bot(self, bot_id: int) -> BotAccount:
        return self._world.accounts.bots[bot_id]

    def _chat(self, bot: BotAccount) -> Chat:
        return self._world.chats.between(bot, self._account)


def quoted(post: Post) -> dict[str, object]:
    """A message as it stands in what answers it."""
    fields = dump(post.message)
    fields.pop("reply_to_message", None)
    return fields

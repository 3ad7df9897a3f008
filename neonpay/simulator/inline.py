"""Inline mode: queries that wait for results, and the messages that people made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from neonpay.simulator.wire.refusal import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from neonpay.simulator.bell import Bell
    from neonpay.simulator.chats.accounts import BotAccount, UserAccount
    from neonpay.simulator.chats.invoices import Invoice
    from neonpay.simulator.chats.posts import Post
    from neonpay.simulator.clock import SteppedClock

QUERY_LIFETIME_S: Final = 30
"""Time for which a query can be answered: as long as an undelivered one is kept (SRV); Telegram publishes no number."""
PREPARED_LIFETIME_S: Final = 24 * 3600
"""Time for which a prepared message can be sent. Telegram tells it with each; UNVERIFIED how long it is."""


@dataclass(frozen=True, slots=True)
class InlineResult:
    """One result.

    Attributes:
        type: ``article``, ``photo``, and so on.
        title: what the list shows; empty for kinds without one.
        content: the message that picking it sends, as fields of ``Message``.
        invoice: what can be paid under that message.
    """

    id: str
    type: str
    title: str
    content: Mapping[str, object]
    invoice: Invoice | None = None


@dataclass(frozen=True, slots=True)
class InlineAnswer:
    """What a bot answered.

    Attributes:
        query: what was asked.
        button_text: of the button above the results.
        start_parameter: what that button starts the bot with.
        next_offset: with which to ask for more.
    """

    bot: BotAccount
    query: str
    results: Sequence[InlineResult]
    button_text: str = ""
    start_parameter: str = ""
    next_offset: str = ""


@dataclass(slots=True, eq=False)
class InlineQuery:
    """A query that a bot may answer once."""

    id: str
    bot: BotAccount
    asker: UserAccount
    query: str
    asked_at: float
    answer: InlineAnswer | None = field(default=None)


class Inline:
    """Queries by id, and messages by their inline id."""

    def __init__(self, clock: SteppedClock, random: Random, bell: Bell) -> None:
        self._clock = clock
        self._random = random
        self._bell = bell
        self._queries: dict[str, InlineQuery] = {}
        self._posts: dict[str, Post] = {}
        self.web_app_queries: dict[str, InlineQuery] = {}
        self.prepared: dict[str, tuple[InlineQuery, InlineResult, int]] = {}

    def ask(self, bot: BotAccount, asker: UserAccount, query: str) -> InlineQuery:
        """A new query."""
        asked = InlineQuery(self.new_id(), bot, asker, query, self._clock.now())
        self._queries[asked.id] = asked
        return asked

    def answer(self, bot: BotAccount, query_id: str, answer: InlineAnswer) -> None:
        """The bot's results.

        Raises:
            Refusal: there is no such query, or it was answered, or is too old.
        """
        asked = self._queries.get(query_id)
        late = asked is not None and self._clock.now() - asked.asked_at > QUERY_LIFETIME_S
        if asked is None or asked.bot is not bot or asked.answer is not None or late:
            # SRV maps QUERY_ID_INVALID to this
            raise bad_request("query is too old and response timeout expired or query ID is invalid")
        asked.answer = InlineAnswer(
            bot, asked.query, answer.results, answer.button_text, answer.start_parameter, answer.next_offset
        )
        self._bell.ring()

    def keep(self, post: Post) -> str:
        """Give a message an id by which the bot can change it; API: it has one when it has a keyboard."""
        post.inline_id = f"BAAA{self._random.randrange(16**24):024x}"
        self._posts[post.inline_id] = post
        return post.inline_id

    def find(self, inline_id: str) -> Post | None:
        """The message with this inline id."""
        return self._posts.get(inline_id)

    def new_id(self) -> str:
        """An id of a query."""
        return str(self._random.randrange(10**17, 2**63))

"""What people do with inline bots: ask them, and send what they offer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiogram import types

from neonpay.errors import SimulatorError
from neonpay.simulator.bell import PATIENCE_S
from neonpay.simulator.chats.accounts import BotAccount
from neonpay.simulator.inline import InlineAnswer
from neonpay.simulator.people.persons import Person
from neonpay.simulator.wire.objects import build, dump

if TYPE_CHECKING:
    from neonpay.simulator.chats.groups import Group
    from neonpay.simulator.inline import InlineResult


class InlineAsker(Person):
    """Somebody who writes ``@bot words``."""

    async def asks(
        self,
        bot: BotAccount,
        query: str = "",
        *,
        in_: Group | None = None,
        offset: str = "",
        timeout_s: float = PATIENCE_S,
    ) -> InlineAnswer:
        """Ask a bot inline and wait for its results.

        Args:
            bot: whom.
            query: the words after its name.
            in_: the group in which it is asked; the chat with the bot itself when left out.
            offset: from where on, as an earlier answer said.
            timeout_s: real seconds.

        Raises:
            SimulatorTimeoutError: the bot did not answer.
        """
        asked = self._world.inline.ask(bot, self._account, query)
        kind = "sender" if in_ is None else in_.kind
        update = build(
            types.InlineQuery, id=asked.id, from_=self._account.as_user, query=query, offset=offset, chat_type=kind
        )
        self._world.tell(bot, "inline_query", dump(update), (self.id, "inline query"))
        return await self._world.bell.wait_for(
            lambda: asked.answer, timeout_s=timeout_s, what=f"{bot.username} to answer the inline query {query!r}"
        )

    async def picks(
        self, result: InlineResult | str | int, *, of: InlineAnswer, in_: BotAccount | Group | None = None
    ) -> types.Message:
        """Send a result into a chat; the bot hears ``chosen_inline_result``, as if @BotFather's feedback were at 100 %.

        Args:
            result: the result, its id, or its place in the answer, counted from 0.
            of: the answer.
            in_: the chat; the one with the bot itself when left out.

        Raises:
            SimulatorError: there is no such result, or this person may not write there.
        """
        picked = _pick(result, of)
        fields = dict(picked.content) | {"via_bot": of.bot.as_user}
        post = self._write(in_ or of.bot, {name: value for name, value in fields.items() if value is not None})
        post.invoice = picked.invoice
        if post.bot_id == 0:
            post.bot_id = of.bot.id
        inline_id = self._world.inline.keep(post) if picked.content.get("reply_markup") else None
        chosen = build(
            types.ChosenInlineResult,
            result_id=picked.id,
            from_=self._account.as_user,
            query=of.query,
            inline_message_id=inline_id,
        )
        self._world.tell(of.bot, "chosen_inline_result", dump(chosen), (self.id, "chosen inline result"))
        return post.message

    def opens_web_app(self, bot: BotAccount) -> str:
        """Open a Mini App of the bot's from a button that can send a message; the ``web_app_query_id`` it gets."""
        asked = self._world.inline.ask(bot, self._account, "")
        self._world.inline.web_app_queries[asked.id] = asked
        return asked.id


def _pick(result: InlineResult | str | int, answer: InlineAnswer) -> InlineResult:
    if isinstance(result, int) and 0 <= result < len(answer.results):
        return answer.results[result]
    found = next((one for one in answer.results if one is result or one.id == result), None)
    if found is None:
        there = ", ".join(one.id for one in answer.results) or "none"
        raise SimulatorError(f"{answer.bot.username} offered no result {result!r}; there are: {there}")
    return found

"""A conversation as a scenario file, which ``neonpay simulate --scenario`` and ``neonpay.testing.play`` play again.

Words with digits in them are left out of what is to be heard: order numbers and dates are other ones the next time.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from neonpay.simulator.chats.accounts import BotAccount, UserAccount
    from neonpay.simulator.chats.posts import Post
    from neonpay.simulator.diary import Note
    from neonpay.simulator.money.checkout import Checkout
    from neonpay.simulator.world import World

_NAME: Final = re.compile(r"[A-Z][A-Za-z0-9_ ]{0,30}")
_WORDS_MIN: Final = 4
_WORDS_MAX: Final = 60
_DEADLINE: Final = "10 seconds"


def write_scenario(world: World, bot: BotAccount, user: UserAccount) -> str:
    """The YAML of what this person and this bot have done, from the first word to the last."""
    name = user.first_name if _NAME.fullmatch(user.first_name) else "Buyer"
    steps = list(_Conversation(world, bot, user, name).steps())
    lines = [
        f"scenario: {_quoted(f'{name} and {bot.username}')}",
        "people:",
        f"  {name}: {user.began_with_stars}",
        "steps:",
        *(f"  - {step}" for step in steps),
    ]
    return "\n".join(lines) + "\n"


class _Conversation:
    """Reads notes and messages beside each other."""

    def __init__(self, world: World, bot: BotAccount, user: UserAccount, name: str) -> None:
        self._world = world
        self._bot = bot
        self._user = user
        self._name = name
        posts = world.chats.between(bot, user).posts
        self._posts = {post.message.message_id: post for post in posts if post.is_words_of_bot}
        self._unheard = list(self._posts.values())
        self._last = 0

    def steps(self) -> Iterator[str]:
        for note in self._world.diary:
            if note.user_id not in {0, self._user.id} or note.bot_id not in {0, self._bot.id}:
                continue
            if note.message_id:
                yield from self._turns_to(note.message_id)
            else:
                yield from self._hears(note.after)
            yield from self._does(note)
        yield from self._hears(max(self._posts, default=0))
        yield f"balance: {{{self._name}: {self._user.balance_stars}}}"

    def _does(self, note: Note) -> Iterator[str]:
        if note.checkout is not None:
            yield from self._pays(note, note.checkout)
        elif not note.user_id:
            yield f"{note.verb}: {note.what}" if note.what else note.verb
        elif note.what == "":
            yield f"{self._name} {note.verb}"
        elif isinstance(note.what, str):
            yield f"{self._name} {note.verb}: {_quoted(self._said(note.what))}"
        else:
            yield f"{self._name} {note.verb}: {note.what}"

    def _said(self, text: str) -> str:
        return text.replace(str(self._user.id), f"{{{self._name}.id}}")

    def _pays(self, note: Note, checkout: Checkout) -> Iterator[str]:
        if checkout.result is None:
            return
        status = "paid or declined" if checkout.by_hand else checkout.result.status
        if note.verb == "presses":  # a link begins to pay by the press of its button
            yield f"{self._name} presses: {_quoted(str(note.what))}"
        elif status != "timed_out":
            yield f"{self._name} pays" + ("" if status == "paid" else f": {status}")
            return
        else:
            yield f"{self._name} begins to pay"
        if status == "timed_out":
            yield f"advance: {_DEADLINE}"
        yield f"{self._name} sees: {status}"

    def _hears(self, until: int) -> Iterator[str]:
        while self._unheard and self._unheard[0].message.message_id <= until:
            post = self._unheard.pop(0)
            self._last = post.message.message_id
            yield f"{self._name} hears" + _look(post)

    def _turns_to(self, message_id: int) -> Iterator[str]:
        yield from self._hears(message_id)
        if self._last != message_id and message_id in self._posts:
            self._last = message_id
            yield f"{self._name} looks back at" + _look(self._posts[message_id])


def _look(post: Post) -> str:
    """What is sure to be the same the next time; the newest message, whatever it says, when nothing is."""
    message = post.message
    if message.invoice is not None:
        title, stars = message.invoice.title, message.invoice.total_amount
        return f": {{invoice: {_quoted(title)}, stars: {stars}}}"
    first, *_ = (message.text or message.caption or "").splitlines() or [""]
    pieces = [piece.strip() for piece in re.split(r"\S*\d\S*", first)]
    words = max(pieces, key=len)[:_WORDS_MAX].strip()
    return "" if len(words) < _WORDS_MIN or message.edit_date else f": {_quoted(words)}"


def _quoted(text: str) -> str:
    """Written as JSON, which is YAML too."""
    return json.dumps(text, ensure_ascii=False)

"""The extensions that a program uses."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator

from neonpay.core.seen import SeenUpdate
from neonpay.errors import ValidationError
from neonpay.payments.extension import Conversation, Extension, Reserved, Subscriber, overrides

logger = logging.getLogger("neonpay.payments")

_NAME = re.compile(r"(?=.{1,31}$)[a-z][a-z0-9]*(-[a-z0-9]+)*")
_TAKEN = frozenset({"neonpay", "handler", "settle", "guard"})
"""What jobs of neonpay's own begin with."""


class Extensions:
    """In the order in which they are asked; what nobody overrides is asked of nobody."""

    def __init__(self) -> None:
        self._by_name: dict[str, Extension] = {}
        self._having: dict[str, tuple[Extension, ...]] = {}
        self._conversations: tuple[Conversation, ...] | None = None
        self._tell: Callable[[], None] = lambda: None
        self.seen_faults = 0
        """How often an extension has raised when it was told of an update, since this process began."""
        self._blamed: set[tuple[str, type[Exception]]] = set()

    def tell(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` whenever an extension is taken into use."""
        self._tell = changed

    def add(self, extension: Extension) -> None:
        """Take an extension into use.

        Raises:
            ValidationError: its name is none, or another extension has it.
        """
        name = getattr(extension, "name", None)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            rule = "lower-case words with dashes between them, such as 'gift-cards', as a class attribute"
            raise ValidationError("name", name, rule)
        if name in _TAKEN:
            raise ValidationError("name", name, f"none of {', '.join(sorted(_TAKEN))}, which neonpay uses itself")
        if name in self._by_name:
            raise ValidationError("extension", name, "an extension that this program does not use yet")
        self._by_name[name] = extension
        # New ones, and not emptied ones: another thread may be about to put an answer of before into the old one.
        self._having = {}
        self._conversations = None
        self._tell()

    def __iter__(self) -> Iterator[Extension]:
        """All of them."""
        return iter(sorted(self._by_name.values(), key=_place))

    def __len__(self) -> int:
        return len(self._by_name)

    def find(self, name: str) -> Extension | None:
        """The extension with this name, or None."""
        return self._by_name.get(name)

    def having(self, hook: str) -> tuple[Extension, ...]:
        """Those with a hook of their own."""
        known = self._having
        found = known.get(hook)
        if found is None:
            found = known[hook] = tuple(extension for extension in self if overrides(extension, hook))
        return found

    @property
    def guards(self) -> list[str]:
        """The names of those that may stop a sale."""
        return [
            extension.name
            for extension in self
            if not extension.is_everywhere and (overrides(extension, "quote") or overrides(extension, "hold"))
        ]

    @property
    def conversations(self) -> tuple[Conversation, ...]:
        """Those that talk to people in the bot, in order."""
        known = self._conversations
        if known is None:
            talking = [extension.conversation() for extension in self if overrides(extension, "conversation")]
            known = self._conversations = tuple(one for one in talking if one is not None)
        return known

    def answering(self, text: str, user_id: int) -> Conversation | None:
        """Whose command a message of somebody is, or None."""
        return next(
            (one for one in self.conversations if _wants(one.wants_command, text) and _is_for(one, user_id)), None
        )

    def pressed(self, data: str) -> Conversation | None:
        """Whose button was pressed, or None."""
        return next((one for one in self.conversations if _wants(one.wants_press, data)), None)

    def see(self, update: SeenUpdate) -> None:
        """Tell those that want to know of an update of the host; raises nothing."""
        for extension in self.having("seen"):
            try:
                extension.seen(update)
            except Exception as error:  # noqa: BLE001  # the update is the host's, which has no part in this
                self._blame(extension, error)

    def _blame(self, extension: Extension, error: Exception) -> None:
        self.seen_faults += 1
        kind = (extension.name, type(error))
        if kind not in self._blamed:  # each update may raise it, and one line says as much as a thousand
            self._blamed.add(kind)
            logger.error("extension %s failed at an update, which goes on to the bot", extension.name, exc_info=error)

    def subscribers(self) -> dict[str, Subscriber]:
        """Who is told of events, by what their jobs are called."""
        return {
            f"{extension.name}:{subscriber.name}": subscriber
            for extension in self
            for subscriber in extension.subscribers()
        }


def _is_for(conversation: Conversation, user_id: int) -> bool:
    return not isinstance(conversation, Reserved) or user_id in conversation.answers_only


def _wants(asks: Callable[[str], bool], text: str) -> bool:
    try:
        return bool(asks(text))
    except Exception:  # it stands before the bot's own handlers, which must get what is theirs
        logger.exception("an extension could not say whether an update is its own")
        return False


def _place(extension: Extension) -> tuple[int, str]:
    return extension.order, extension.name

"""What the parts of the control API ask of the whole: who and what a request means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from aiogram import types
    from aiohttp import web

    from neonpay.simulator.chats.groups import Group
    from neonpay.simulator.people.buyers import Buyer
    from neonpay.simulator.people.persons import Where


class Desk(Protocol):
    """Looks things up."""

    def buyer(self, request: web.Request) -> Buyer:
        """The person that the path of a request names.

        Raises:
            SimulatorError: there is none.
        """
        ...

    def person(self, user_id: int) -> Buyer:
        """The person with this id.

        Raises:
            SimulatorError: there is none.
        """
        ...

    def group(self, group_id: int) -> Group:
        """The group or channel with this id.

        Raises:
            SimulatorError: there is none.
        """
        ...

    def place(self, bot: str | None, group: int | None, topic: int | None = None) -> Where:
        """The bot with this username, or, when an id is given, the group or its topic.

        Raises:
            SimulatorError: there is none.
        """
        ...

    def message(self, message_id: int) -> types.Message:
        """The message with this id, in whatever chat.

        Raises:
            SimulatorError: there is none.
        """
        ...

"""Who and what has a picture: bots, people, and invoices."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from neonpay.errors import SimulatorError
from neonpay.simulator.chats.accounts import BotAccount
from neonpay.simulator.people.buyers import Buyer

if TYPE_CHECKING:
    from aiogram import types

    from neonpay.simulator.chats.accounts import UserAccount
    from neonpay.simulator.files.store import StoredFile
    from neonpay.simulator.world import World

    Sitter: TypeAlias = BotAccount | Buyer | types.Message


def give_picture(world: World, of: Sitter, picture: StoredFile | None) -> None:
    """Show it beside a bot, a person or in an invoice from now on; with None, none at all.

    Raises:
        SimulatorError: the message is no invoice.
    """
    if isinstance(of, BotAccount | Buyer):
        photos = _account(world, of).photos
        photos[:] = [] if picture is None else [picture, *photos]
        return
    _is_invoice(world, of)
    if picture is None:
        world.pictures.of_invoices.pop(of.message_id, None)
    else:
        world.pictures.of_invoices[of.message_id] = picture


async def picture_of(world: World, of: Sitter) -> StoredFile | None:
    """What is shown there; None when nothing is.

    Raises:
        SimulatorError: the message is no invoice.
    """
    if isinstance(of, BotAccount | Buyer):
        return _account(world, of).photo
    _is_invoice(world, of)
    return await world.picture_of_invoice(of.message_id)


def _account(world: World, of: BotAccount | Buyer) -> BotAccount | UserAccount:
    return of if isinstance(of, BotAccount) else world.accounts.users[of.id]


def _is_invoice(world: World, message: types.Message) -> None:
    post = world.chats.find(message.message_id)
    if post is None or post.invoice is None:
        raise SimulatorError(f"message {message.message_id} is no invoice, and only those have a picture of their own")

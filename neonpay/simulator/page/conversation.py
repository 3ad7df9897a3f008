"""The messages of a chat as the page shows them: what Telegram's client would know beside the ``Message`` itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from neonpay.simulator.chats.currencies import price_as_json, words
from neonpay.simulator.wire.objects import dump

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aiogram import types

    from neonpay.simulator.chats.book import Chat
    from neonpay.simulator.chats.invoices import Invoice
    from neonpay.simulator.chats.posts import Post
    from neonpay.simulator.files.store import StoredFile
    from neonpay.simulator.money.checkout import Checkout
    from neonpay.simulator.world import World

    Json: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Told:
    """A message as it was told; equal as long as nothing about it has changed.

    Attributes:
        message: as it stands.
        seen: as the person sees it, who may not have paid for its media.
        by: ``bot``, ``user`` or ``service``.
        extra: what is known beside the message, such as where its invoice stands.
    """

    id: int
    message: types.Message = field(hash=False)
    seen: types.Message
    by: str
    extra: tuple[tuple[str, object], ...]

    def __eq__(self, other: object) -> bool:
        """A message that is edited is another object, so nothing in it has to be compared."""
        return isinstance(other, Told) and self.message is other.message and self.extra == other.extra

    __hash__ = None  # type: ignore[assignment]

    @property
    def as_json(self) -> Json:
        """The message as the page gets it."""
        return {"id": self.id, "by": self.by, "message": dump(self.seen), **dict(self.extra)}


def newest_checkouts(world: World, most: int) -> dict[tuple[int, int], list[Checkout]]:
    """The newest presses of Pay by the ids of bot and payer, oldest first."""
    found: dict[tuple[int, int], list[Checkout]] = {}
    for one in reversed(list(islice(reversed(world.checkouts.begun), most))):
        found.setdefault((one.bot.id, one.payer.id), []).append(one)
    return found


def tell(world: World, chat: Chat, mine: list[Checkout], most: int) -> Iterator[Told]:
    """The newest messages that can be seen in a chat, oldest first; ``mine`` are the checkouts of its person."""
    for post in [post for post in chat.posts[-most:] if not post.deleted]:
        by = "service" if post.is_service else "bot" if post.by_bot else "user"
        seen_as = world.paid_media.seen_by(post.message, chat.user.id)
        extra = tuple(_extra(world, chat, post, mine))
        if post.message.paid_media is not None:
            extra += (("unlocked", seen_as is post.message),)
        yield Told(post.message.message_id, post.message, seen_as, by, extra)


def stamp(picture: StoredFile | None) -> str:
    """Another one for another picture; empty for none that can be shown."""
    return "" if picture is None or picture.content is None else picture.unique_id


def _extra(world: World, chat: Chat, post: Post, mine: list[Checkout]) -> Iterator[tuple[str, object]]:
    if post.invoice is not None:
        yield "trace", _trace(world, chat, post.invoice, mine)
        yield from price_as_json(post.invoice.amount, post.invoice.currency).items()
        yield "photo_url", post.invoice.photo_url
        own = world.pictures.of_invoices.get(post.message.message_id)
        yield "photo_shown", own is not None or (world.pictures.fetches and post.invoice.photo_url != "")
        yield "picture", stamp(own)
    paid = post.message.successful_payment
    if paid is not None:
        yield "price", words(paid.total_amount, paid.currency)
        charge_id = paid.telegram_payment_charge_id
        bought = next((one for one in mine if one.result and one.result.charge_id == charge_id), None)
        yield "title", _title(world, chat, charge_id) if bought is None else bought.invoice.title
        if bought is not None:
            sold = (one.message.message_id for one in chat.posts if one.invoice is bought.invoice)
            yield "invoice_id", next(sold, None)


def _title(world: World, chat: Chat, charge_id: str) -> str:
    """What a renewal is for; it has no checkout of its own."""
    found = (one for one in world.subscriptions.to(chat.bot, user_id=chat.user.id) if charge_id in one.charge_ids)
    subscription = next(found, None)
    return "" if subscription is None else subscription.invoice.title


def _trace(world: World, chat: Chat, invoice: Invoice, mine: list[Checkout]) -> str:
    last = next((one for one in reversed(mine) if one.invoice is invoice), None)
    if last is None:
        return "invoiced"
    if last.result is None:
        return "checking"
    if last.result.status in {"balance_too_low", "form_expired"}:
        return "invoiced"  # the bot was not asked, and Pay can be pressed again
    if last.result.status != "paid":
        return "declined"
    payments = world.till.payments(chat.bot)
    if any(one.refunded for one in payments if one.charge_id == last.result.charge_id):
        return "refunded"
    return "delivered" if _answered(chat, last.result.charge_id) else "paid"


def _answered(chat: Chat, charge_id: str | None) -> bool:
    """Whether the bot has written since it was paid, which is as much as Telegram can know of a delivery."""
    written = False
    for post in reversed(chat.posts):
        paid = post.message.successful_payment
        if paid is not None and paid.telegram_payment_charge_id == charge_id:
            return written
        written = written or post.is_words_of_bot
    return False

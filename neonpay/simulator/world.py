"""The whole simulated Telegram: one object of each part, and the roads between them."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final, Protocol

from neonpay.errors import SimulatorTimeoutError
from neonpay.simulator.bell import Bell
from neonpay.simulator.chats.accounts import Accounts, BotAccount
from neonpay.simulator.chats.book import Chats
from neonpay.simulator.chats.polls import Polls
from neonpay.simulator.chats.reactions import Reactions
from neonpay.simulator.clock import PATIENCE_S
from neonpay.simulator.diary import Diary, Note
from neonpay.simulator.faults import REORDER_HOLD_S, Faults
from neonpay.simulator.files.pictures import Pictures
from neonpay.simulator.files.store import Files
from neonpay.simulator.inline import Inline
from neonpay.simulator.journal import Journal
from neonpay.simulator.members.memberships import Memberships
from neonpay.simulator.members.paid import PaidMemberships
from neonpay.simulator.members.talk import GroupTalk
from neonpay.simulator.money.broadcasts import Broadcasts
from neonpay.simulator.money.business import Business
from neonpay.simulator.money.cards import Cards
from neonpay.simulator.money.checkout import Checkouts
from neonpay.simulator.money.gifts import Gifts
from neonpay.simulator.money.paid_media import PaidMediaShelf
from neonpay.simulator.money.receipts import Receipts
from neonpay.simulator.money.subscriptions import Subscriptions
from neonpay.simulator.money.suggestions import Suggestions
from neonpay.simulator.money.till import Till
from neonpay.simulator.updates.polling import POLLS_AGAIN_S, Poller
from neonpay.simulator.updates.queue import QueuedUpdate, UpdateQueue
from neonpay.simulator.updates.webhook import Webhook, WebhookSettings
from neonpay.simulator.wire.known import UPDATE_KINDS, described

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from neonpay.simulator.chats.invoices import Invoice
    from neonpay.simulator.clock import SteppedClock, Timer
    from neonpay.simulator.files.store import StoredFile
    from neonpay.simulator.money.presses import Press
    from neonpay.simulator.wire.params import Params

    CarryOut = Callable[[BotAccount, str, Params], Awaitable[object]]

_PIECES: Final = 10


class Listening(Protocol):
    """The open sessions of a bot that does not use HTTP."""

    @property
    def is_heard(self) -> bool:
        """Whether there is one."""
        ...

    def pump(self) -> None:
        """Hand out what waits."""
        ...


@dataclass(slots=True, eq=False)
class Postbox:
    """How one bot gets its updates.

    Attributes:
        allowed_updates: the list that the bot sent last of the kinds that it wants, as it was written.
        stream: its MTProto sessions; while one is open, they get everything, and a poll or a webhook nothing. (Telegram
            would serve both.)
    """

    queue: UpdateQueue
    poller: Poller
    webhook: Webhook | None = None
    webhook_set_at: float | None = None
    stream: Listening | None = None
    allowed_updates: str = ""

    def would_lose(self, until: float) -> bool:
        """Whether a bot that listens has yet to take something which is kept no longer than that."""
        listens = self.poller.keeps_polling or (self.webhook is not None and self.webhook.is_delivering)
        return listens and any(update.expires_at <= until for update in self.queue.pending())

    def changed(self) -> None:
        """Something was queued or settled."""
        if self.stream is not None and self.stream.is_heard:
            self.stream.pump()
        elif self.webhook is not None:
            self.webhook.pump()
        else:
            self.poller.wake()


class World:
    """Bots, people, chats, money and time.

    Args:
        clock: virtual time.
        random: the source of every id, so that a seed repeats a run.
        test_environment: whether it is Telegram's test environment.
        fetch_pictures: whether the page may ask the addresses of invoices for their pictures.
        first_update_id: where ids of updates begin; None lets them follow from ``random``.
        token_bytes: where the secret halves of tokens come from.

    Attributes:
        posted: how often something has changed in what waits for a bot.
    """

    def __init__(
        self,
        clock: SteppedClock,
        random: Random,
        *,
        test_environment: bool = False,
        fetch_pictures: bool = False,
        first_update_id: int | None = None,
        token_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.clock = clock
        clock.before_time_passes = self._let_bots_listen
        self.random = random
        self.test_environment = test_environment
        self.bell = Bell()
        self.accounts = Accounts(random, token_bytes)
        self.chats = Chats(self.accounts, clock, self.bell.ring)
        self.talk = GroupTalk(self.accounts, self.tell, self.chats.find)
        self.chats.in_group = self.talk.tell
        self.memberships = Memberships(self.accounts, self.chats, clock, random, self.tell)
        self.paid_memberships = PaidMemberships(self.memberships, clock)
        self.diary = Diary()
        self.pressed_links: dict[tuple[int, str], tuple[int, str]] = {}
        self.links: dict[str, Invoice] = {}
        self.till = Till(self.accounts, clock, random)
        self.broadcasts = Broadcasts(self.till, clock)
        self.chats.bot_wrote = self.broadcasts.count
        self.business = Business(clock, random, self.tell)
        self.gifts = Gifts(random)
        self.suggestions = Suggestions(self.accounts, self.chats, clock)
        self.polls = Polls(self.accounts, self.chats, self.tell)
        self.reactions = Reactions(self.accounts, self.chats, clock, self.tell)
        self.inline = Inline(clock, random, self.bell)
        self.cards = Cards(clock, random)
        receipts = Receipts(self.chats, self.till, self.tell)
        self.subscriptions = Subscriptions(self.accounts, self.till, clock, receipts, self.tell)
        self.checkouts = Checkouts(
            self.accounts, self.chats, self.till, clock, random, self.bell, self.tell,
            cards=self.cards, receipts=receipts, subscriptions=self.subscriptions,
        )  # fmt: skip
        self.paid_media = PaidMediaShelf(self.till, self.tell)
        self.presses: dict[str, Press] = {}
        self.files = Files(random)
        self.pictures = Pictures(self.files, fetches=fetch_pictures)
        self.faults = Faults(clock, seed=_peek(random), changed=self.bell.ring)
        self.journal = Journal(self.accounts.hide_tokens, described)
        self.carry_out: CarryOut | None = None
        self._first_update_id = first_update_id
        self._postboxes: dict[int, Postbox] = {}
        self.posted = 0
        self._owned: list[tuple[BotAccount, Postbox]] = []

    async def picture_of_invoice(self, message_id: int) -> StoredFile | None:
        """What an invoice was given here, else what stands at its ``photo_url``; None when there is none to be had."""
        given = self.pictures.of_invoices.get(message_id)
        post = self.chats.find(message_id)
        if given is not None or post is None or post.invoice is None:
            return given
        return await self.pictures.at(post.invoice.photo_url)

    def postbox(self, bot: BotAccount) -> Postbox:
        """Where the bot's updates wait."""
        box = self._postboxes.get(bot.id)
        if box is None:
            drawn = self.random.randrange(100_000_000, 900_000_000)
            queue = UpdateQueue(
                self.clock,
                first_id=drawn if self._first_update_id is None else self._first_update_id,
                known_kinds=UPDATE_KINDS,
                changed=lambda: self._postbox_changed(bot),
            )
            box = self._postboxes[bot.id] = Postbox(queue, Poller(queue, self.bell))
            self._owned.append((bot, box))
        return box

    def postboxes(self) -> list[tuple[BotAccount, Postbox]]:
        """The bots that have been told something, or have asked."""
        return list(self._owned)

    async def set_webhook(self, bot: BotAccount, settings: WebhookSettings | None) -> None:
        """Send the bot's updates to an address from now on, or with None let it poll."""
        box = self.postbox(bot)
        before, box.webhook = box.webhook, None
        if before is not None:
            await before.stop()
        if settings is None:
            return

        async def reply(method: str, params: Params) -> object:
            return None if self.carry_out is None else await self.carry_out(bot, method, params)

        def give_up() -> None:
            box.webhook = None

        def is_down(update: QueuedUpdate) -> bool:
            fault = self.faults.take_for_update("webhook_down", update.kind, update.payload, bot.username)
            return fault is not None

        box.webhook = Webhook(
            settings,
            box.queue,
            clock=self.clock,
            random=self.random,
            reply=reply,
            give_up=give_up,
            bell=self.bell,
            is_down=is_down,
        )
        box.webhook.pump()

    async def advance(self, seconds: float) -> int:
        """Let virtual time pass, after what is on its way to a webhook has come to an end.

        A bot that listens gets every update before the day is over for which Telegram keeps it.

        Returns:
            How many updates were kept no longer, because no bot took them.
        """
        self.diary.append(Note("advance", _spelled(seconds), 0, 0, 0, self.chats.newest_id))
        before = self._expired()
        await self._settle()
        await self.clock.advance(seconds)
        self.bell.ring()
        return self._expired() - before

    def _expired(self) -> int:
        for box in self._postboxes.values():
            box.queue.pending()
        return sum(box.queue.expired for box in self._postboxes.values())

    async def _let_bots_listen(self, until: float) -> None:
        """Wait for bots that listen to take what would expire if it were ``until`` now."""

        def nothing_would_be_lost() -> bool:
            return not any(box.would_lose(until) for box in self._postboxes.values())

        # In pieces, because a bot that stops to listen rings no bell.
        for _ in range(_PIECES):
            if nothing_would_be_lost():
                return
            with suppress(SimulatorTimeoutError):
                await self.bell.wait_for(nothing_would_be_lost, timeout_s=POLLS_AGAIN_S / _PIECES, what="the bots")

    async def step(self) -> Timer | None:
        """Let virtual time pass until the next thing that falls due has happened, and return it; None when nothing waits."""
        await self._settle()
        self.diary.append(Note("step", "", 0, 0, 0, self.chats.newest_id))
        timer = await self.clock.step()
        self.bell.ring()
        return timer

    async def _settle(self) -> None:
        settling = [asyncio.ensure_future(box.webhook.settle()) for box in self._postboxes.values() if box.webhook]
        if settling:
            _, late = await asyncio.wait(settling, timeout=PATIENCE_S)
            for task in late:
                task.cancel()

    async def close(self) -> None:
        """Stop every delivery."""
        for box in self._postboxes.values():
            webhook, box.webhook = box.webhook, None
            if webhook is not None:
                await webhook.stop()
            box.poller.interrupt(None)

    def tell(self, bot: BotAccount, kind: str, payload: dict[str, object], lane: tuple[int, str]) -> QueuedUpdate:
        """Queue an update for a bot, in the way that a fault may have it."""
        again = self.faults.take_for_update("duplicate", kind, payload, bot.username)
        late = self.faults.take_for_update("reorder", kind, payload, bot.username)
        return self.postbox(bot).queue.push(
            kind,
            payload,
            lane,
            comes_again=again is not None,
            passed_by=0 if late is None else late.passed_by,
            held_s=REORDER_HOLD_S,
        )

    def _postbox_changed(self, bot: BotAccount) -> None:
        self.posted += 1
        self._postboxes[bot.id].changed()
        self.bell.ring()


def _spelled(seconds: float) -> str:
    """A length of time as scenarios have it."""
    days, rest = divmod(seconds, 86_400)
    return f"{days:.0f} days" if days and not rest else f"{seconds:.3f} seconds"


def _peek(random: Random) -> str:
    """What this source of numbers would say next, which it still will."""
    twin = Random()  # noqa: S311 - repeatable on purpose
    twin.setstate(random.getstate())
    return f"{twin.getrandbits(64):x}"

"""The five scenes of the demo, each with what it expects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from neonpay.cli.demo.books import read_books
from neonpay.cli.demo.conversation import Conversation
from neonpay.cli.demo.screen import Promise, Screen
from neonpay.core.job_states import JobState

if TYPE_CHECKING:
    from aiogram.types import Message

    from neonpay.cli.demo.shop_process import ShopProcess
    from neonpay.simulator import BotAccount, Buyer, Outcome, Simulator

START_S = 60.0
"""Patience for a process that starts on a busy machine."""
_WAIT_S = 30.0


class Scenes:
    """Plays buyers through the shop.

    Attributes:
        promises: what was expected so far, kept or not.
    """

    def __init__(self, telegram: Simulator, bot: BotAccount, shop: ShopProcess, screen: Screen, owner: Buyer) -> None:
        self._telegram = telegram
        self._bot = bot
        self._shop = shop
        self._screen = screen
        self._owner = owner
        self._talk = Conversation(telegram, bot, screen)
        self.promises: list[Promise] = []

    async def open_shop(self) -> None:
        """Start the shop and wait until it answers its owner."""
        with self._screen.waiting("the shop starts"):
            await self._shop.start()
            await self._owner.says("/start", to=self._bot)
            await self._shop.while_it_lives(self._owner.hears(self._bot, timeout_s=START_S))
        self._talk.skip_calls()

    async def buy_a_coffee(self, ann: Buyer) -> Message:
        """A purchase, from the menu to the delivery; returns the invoice."""
        self._screen.scene(f"{ann.name} buys a coffee")
        await self._talk.says(ann, "/start")
        menu = await self._hears(ann, "Welcome")
        self._talk.does(ann, "presses [Coffee]")
        await ann.presses("Coffee", on=menu)
        invoice = await self._hears(ann, "Coffee")
        await self._pays(ann, invoice)
        await self._hears(ann, "ready")
        books = await read_books(self._shop.database_url)
        self._expect("recorded with its price", [5], [row.amount_stars for row in books.payments_of(ann.id)])
        self._expect("delivered once", 1, _heard(ann, self._bot, "ready"))
        return invoice

    async def repeat_the_update(self, ann: Buyer) -> None:
        """Telegram delivers the same payment twice more."""
        self._screen.scene("Telegram sends the same payment twice more")
        paid = next(update for update in self._telegram.updates(self._bot) if "successful_payment" in update.payload)
        for new_id, how in ((False, "the update again"), (True, "the payment once more, as a new update")):
            self._talk.aside("Telegram", f"delivers {how}")
            await self._telegram.redeliver(paid.update_id, self._bot, new_id=new_id)
        await self._shop.while_it_lives(self._telegram.idle(self._bot, timeout_s=_WAIT_S))
        await self._talk.says(ann, "/orders")
        await self._hears(ann, "coffee")
        books = await read_books(self._shop.database_url)
        self._expect("still one payment", 1, len(books.payments_of(ann.id)))
        self._expect(
            "still one delivery, and one stamp on the card",
            (1, 1),
            (_heard(ann, self._bot, "ready"), books.goods.count(("stamp", ann.id))),
        )

    async def decline_checkouts(self, ann: Buyer, bob: Buyer, *, coffee: Message) -> None:
        """Checkouts that must not go through: what is sold out, and somebody else's invoice."""
        self._screen.scene(f"{ann.name} takes the last poster; {bob.name} is declined, twice")
        await self._talk.says(ann, "/buy poster")
        bought = await self._hears(ann, "Poster")
        await self._talk.says(bob, "/start poster")
        late = await self._hears(bob, "Poster")
        await self._pays(ann, bought)
        await self._hears(ann, "yours")
        had = bob.stars
        sold_out = await self._pays(bob, late)
        self._talk.does(ann, f"forwards the invoice of her coffee to {bob.name}")
        not_his = await self._pays(bob, await bob.receives(coffee))
        self._expect(
            "both checkouts declined, with the reason",
            [("declined", "Sorry, the poster is sold out."), ("declined", True)],
            [(sold_out.status, sold_out.reason), (not_his.status, "somebody else" in (not_his.reason or ""))],
        )
        self._expect(f"{bob.name} keeps all Stars", had, bob.stars)

    async def kill_the_shop(self, dora: Buyer) -> None:
        """The process dies after the payment is recorded and before the goods arrive."""
        self._screen.scene("The shop is killed between payment and delivery")
        await self._talk.says(dora, "/buy game")
        invoice = await self._hears(dora, "Game")
        self._telegram.faults.drop_connection("sendMessage")
        await self._pays(dora, invoice)
        with self._screen.waiting("the shop delivers"):
            await self._shop.while_it_lives(
                self._telegram.until(self._delivery_broke, timeout_s=_WAIT_S, what="the shop to deliver")
            )
        await self._shop.kill()
        self._talk.show_calls()
        self._talk.aside("SIGKILL", "the process is gone; it could not finish anything")
        before = await read_books(self._shop.database_url)
        [payment] = before.payments_of(dora.id)
        unfinished = [job.handler for job in before.jobs_of(payment.charge_id) if job.state != JobState.DONE]
        self._expect("the ledger has the payment, and that its delivery is unfinished", ["unlock"], unfinished)
        self._expect("nothing has reached the buyer", 0, _heard(dora, self._bot, "key"))
        self._talk.aside("restart", "a new process opens the same database")
        await self._shop.start()
        with self._screen.waiting("the new process takes up what the dead one left"):
            await self._hears(dora, "key")
        key = json.loads(before.steps[payment.charge_id])
        self._expect("delivered once, with the key made before the crash", 1, _heard(dora, self._bot, key))

    async def give_stars_back(self, dora: Buyer) -> None:
        """A refund that a buyer asks for and the owner grants; a second one changes nothing."""
        self._screen.scene(f"{dora.name} wants the Stars back")
        had = dora.stars
        await self._talk.says(dora, "/paysupport")
        payments = await self._hears(dora, "Which payment")
        self._talk.does(dora, "presses [Game]")
        await dora.presses("Game", on=payments)
        await self._hears(dora, "Send the request")
        await self._talk.says(dora, "/paysupport the key does not work")
        request = await self._hears(self._owner, "asks for a refund")
        await self._hears(dora, "A person will look at it")
        [payment] = (await read_books(self._shop.database_url)).payments_of(dora.id)
        self._talk.does(self._owner, "presses [Approve]")
        await self._owner.presses("Approve", on=request)
        await self._hears(dora, "is granted")
        await self._talk.says(self._owner, f"/refund {payment.charge_id}")
        await self._hears(self._owner, "are back")
        refunds = [row for row in self._telegram.transactions(self._bot) if row.direction == "receiver"]
        self._expect("Stars are back, once", (had + payment.amount_stars, 1), (dora.stars, len(refunds)))

    async def close_the_books(self) -> None:
        """Stop the shop, print the ledger and compare it with Telegram's."""
        await self._shop.while_it_lives(self._telegram.idle(self._bot, timeout_s=_WAIT_S))
        await self._shop.stop()
        books = await read_books(self._shop.database_url)
        balance = self._telegram.balance(self._bot)
        names = {buyer.id: buyer.name for buyer in self._telegram.users()}
        self._screen.ledger(books, names=names, balance_stars=balance)
        charged = sorted((paid.charge_id, paid.user_id, paid.amount) for paid in self._telegram.payments(self._bot))
        recorded = sorted((row.charge_id, row.user_id, row.amount_stars) for row in books.payments)
        self._expect("every charge of Telegram's is one payment in the ledger", charged, recorded)
        unfinished = [job for job in books.jobs if job.state != JobState.DONE]
        self._expect("no delivery is unfinished or was given up", [], unfinished)
        self._expect("every entry of the journal sums to zero", [], books.unbalanced)
        self._expect("the journal and Telegram agree on the Stars", balance, books.accounts.get("stars"))

    async def _pays(self, buyer: Buyer, invoice: Message) -> Outcome:
        self._talk.does(buyer, "presses [Pay]")
        outcome = await self._shop.while_it_lives(buyer.pays(invoice, timeout_s=_WAIT_S))
        self._talk.ended(buyer, outcome)
        return outcome

    async def _hears(self, buyer: Buyer, words: str) -> Message:
        heard = await self._shop.while_it_lives(buyer.hears(self._bot, containing=words, timeout_s=_WAIT_S))
        self._talk.show_calls()
        return heard

    def _delivery_broke(self) -> bool:
        return any(not call.answered for call in self._telegram.calls("sendMessage"))

    def _expect(self, text: str, wanted: object, seen: object) -> None:
        promise = Promise(text, "" if wanted == seen else f"expected {wanted!r}, found {seen!r}")
        self.promises.append(promise)
        self._screen.promise(promise)


def _heard(buyer: Buyer, bot: BotAccount, words: str) -> int:
    return sum(
        words in (message.text or "")
        for message in buyer.messages(bot)
        if message.from_user and message.from_user.is_bot
    )

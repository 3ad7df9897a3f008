"""Programs that are told of events: from the moment in which they are there, signed, once more when somebody asks for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from aiohttp import web

from neonpay.core.clock import moment
from neonpay.core.events import PaymentCompleted
from neonpay.core.webhook_signing import keys_of, verify
from neonpay.ledger.tables_notifications import notification_attempts, notifications
from neonpay.notifications import Notifications
from neonpay.notifications.telling import EACH_S, tell_again, tell_endpoints
from neonpay.store.entries import publish
from tests.integration.notifications.conftest import as_time_passes
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.ledger import Ledger, Transaction
    from neonpay.notifications.channels import Endpoint
    from tests.integration.conftest import MovableClock, Shop
    from tests.integration.notifications.conftest import Post, Receiver


def _bytes(count: int) -> bytes:
    return b"e" * count


def _nothing_to_write(transaction: Transaction) -> None:
    """There is nothing to write."""


async def _nothing(payment: Any) -> None:
    """There is nothing to deliver."""


async def _sent(query: Callable[..., Any], attempts: int) -> list[tuple[Any, ...]]:
    """The states of what was queued, when so many attempts have ended."""
    while len(await query(sa.select(notification_attempts.c.note_id))) < attempts:
        await between_looks()
    return [tuple(row) for row in await query(sa.select(notifications.c.state, notifications.c.attempts))]


def _names(posts: list[Post]) -> list[str]:
    return [json.loads(post.body)["type"] for post in posts]


class _BusyLedger:
    """A ledger into which something is told after each unit, so that there is always one event more."""

    def __init__(self, ledger: Ledger, bot_id: int) -> None:
        self._ledger, self._bot_id = ledger, bot_id
        self.told = 0

    async def run(self, *args: Any, **options: Any) -> Any:
        result = await self._ledger.run(*args, **options)
        await self._ledger.run(self._tell)
        return result

    async def read(self, *args: Any) -> Any:
        return await self._ledger.read(*args)

    def _tell(self, transaction: Transaction) -> None:
        self.told += 1
        publish(transaction, PaymentCompleted(bot_id=self._bot_id, event_id=f"{self.told:032}", at=moment(1)))


async def _added(extension: Notifications, receiver: Receiver, clock: MovableClock, *events: str) -> Endpoint:
    return await extension.endpoints.add(
        f"{receiver.url}/hook", events=events, token_bytes=_bytes, now_us=clock.now_us()
    )


async def test_a_look_for_what_is_new_does_not_go_on_for_as_long_as_somebody_buys(
    open_shop: Callable[..., Shop], receiver: Receiver, clock: MovableClock
) -> None:
    shop = open_shop()
    extension = shop.neonpay.use(Notifications())
    async with shop.neonpay:
        await _added(extension, receiver, clock)
        pipeline = shop.neonpay.program.pipeline
        busy = _BusyLedger(pipeline.ledger, shop.bot.id)
        turn = await pipeline.periodic_store.take("a look", early=True)
        assert turn is not None
        await busy.run(_nothing_to_write)
        assert await tell_endpoints(busy, turn, queued=lambda: None) == EACH_S  # type: ignore[arg-type]  # all that it uses
        assert busy.told == 3


async def test_an_endpoint_is_told_of_what_it_wants_from_the_moment_in_which_it_is_there(
    open_shop: Callable[..., Shop], receiver: Receiver, query: Callable[..., Any], clock: MovableClock
) -> None:
    shop = open_shop()
    shop.neonpay.on_payment(_nothing)
    extension = shop.neonpay.use(Notifications())
    async with shop.polling():
        ann = await shop.visitor("Ann")
        await shop.delivers(await shop.sells(ann))
        endpoint = await _added(extension, receiver, clock, "payment_completed", "payment_delivered")
        outcome = await shop.sells(ann)
        await shop.delivers(outcome)
        first, second = await as_time_passes(clock, receiver.has(2))
        await _sent(query, 2)
    assert _names([first, second]) == ["payment_completed", "payment_delivered"]
    event = shop.named("payment_completed")[1]
    assert json.loads(first.body) == {
        "type": "payment_completed",
        "timestamp": event.at.isoformat(),
        "data": {
            "event_id": event.event_id,
            "bot_id": event.bot_id,
            "user_id": ann.id,
            "stage_id": "vip",
            "invoice_id": event.invoice_id,
            "charge_id": outcome.charge_id,
            "amount_stars": 50,
        },
    }
    verify(keys_of(endpoint.secret), _headers(first), first.body, clock.now_us() // 1_000_000)


async def test_a_secret_that_is_changed_signs_beside_the_new_one_for_a_while(
    open_shop: Callable[..., Shop], receiver: Receiver, query: Callable[..., Any], clock: MovableClock
) -> None:
    shop = open_shop()
    extension = shop.neonpay.use(Notifications())
    async with shop.polling():
        ann = await shop.visitor("Ann")
        before = await _added(extension, receiver, clock, "invoice_created")
        after = await extension.endpoints.rotate(
            before.endpoint_id, token_bytes=lambda count: b"f" * count, now_us=clock.now_us(), keep_s=3600
        )
        for number in (1, 2):
            await shop.neonpay.send_payment(ann.id, "vip")
            await as_time_passes(clock, receiver.has(number))
            await _sent(query, number)
            clock.advance(3600)
    first, second = receiver.got
    tags = [post.headers["webhook-signature"].split(" ") for post in (first, second)]
    assert [len(each) for each in tags] == [2, 1]
    for secret in (before.secret, after.secret):
        verify(keys_of(secret), _headers(first), first.body, int(first.headers["webhook-timestamp"]))
    verify(keys_of(after.secret), _headers(second), second.body, int(second.headers["webhook-timestamp"]))


async def test_what_waits_for_an_endpoint_that_is_removed_is_given_up_at_once(
    open_shop: Callable[..., Shop], receiver: Receiver, query: Callable[..., Any], clock: MovableClock
) -> None:
    receiver.answers.append(web.Response(status=429, headers={"Retry-After": "7200"}))
    shop = open_shop()
    extension = shop.neonpay.use(Notifications())
    error, began_us = sa.select(notifications.c.error), clock.now_us()
    async with shop.polling():
        endpoint = await _added(extension, receiver, clock, "invoice_created")
        await shop.neonpay.send_payment((await shop.visitor("Ann")).id, "vip")
        await as_time_passes(clock, receiver.has(1))
        while await query(error) != [("webhook: answered 429",)]:
            await between_looks()
        await extension.endpoints.remove(endpoint.endpoint_id)
        removed = error.where(notifications.c.state == "dead")

        async def given_up() -> list[Any]:
            while not (found := await query(removed)):
                await between_looks()
            return list(found)

        assert await as_time_passes(clock, given_up()) == [("webhook: the endpoint has been removed, or is off",)]
    assert clock.now_us() - began_us < 3600 * 1_000_000


async def test_one_event_is_told_to_one_endpoint_again_under_its_id(
    open_shop: Callable[..., Shop], receiver: Receiver, query: Callable[..., Any], clock: MovableClock
) -> None:
    receiver.answers.append(web.Response(status=400, text="no"))
    shop = open_shop()
    extension = shop.neonpay.use(Notifications())
    async with shop.polling():
        endpoint = await _added(extension, receiver, clock, "invoice_created")
        await shop.neonpay.send_payment((await shop.visitor("Ann")).id, "vip")
        event = await shop.fact("invoice_created")
        await as_time_passes(clock, receiver.has(1))
        assert await _sent(query, 1) == [("dead", 1)]
        ledger = shop.neonpay.program.pipeline.ledger
        note_id = await ledger.run(tell_again, endpoint, event.bot_id, event.event_id)
        await receiver.has(2)
        assert await _sent(query, 2) == [("sent", 2)]
    assert {post.headers["webhook-id"] for post in receiver.got} == {note_id}
    assert receiver.got[0].body == receiver.got[1].body


def _headers(post: Post) -> dict[str, str]:
    return {name.lower(): value for name, value in post.headers.items()}

"""``/_sim/``: people played from another process, as JSON over HTTP.

Only this machine may ask, unless the simulator was told otherwise, and a page in a browser cannot: bodies must be declared as
JSON, which a foreign page may not send without permission, and the Host header must name this machine. No answer holds a token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web
from pydantic import ValidationError

from neonpay.errors import SimulatorError, SimulatorTimeoutError
from neonpay.simulator.chats.currencies import price_as_json
from neonpay.simulator.control import orders
from neonpay.simulator.control.checkout import CheckoutControl
from neonpay.simulator.control.company import CompanyControl
from neonpay.simulator.control.conditions import add_fault, described_fault
from neonpay.simulator.control.described import openapi
from neonpay.simulator.control.pictures import PicturesControl
from neonpay.simulator.control.places import PlacesControl
from neonpay.simulator.control.sales import SalesControl
from neonpay.simulator.control.time import TimeControl
from neonpay.simulator.people.buyers import Buyer
from neonpay.simulator.people.treasury import Treasury
from neonpay.simulator.wire.loopback import is_loopback
from neonpay.simulator.wire.objects import dump

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from aiogram import types

    from neonpay.simulator.chats.accounts import BotAccount
    from neonpay.simulator.chats.groups import Group
    from neonpay.simulator.journal import Call
    from neonpay.simulator.money.presses import Pressed
    from neonpay.simulator.people.persons import Where
    from neonpay.simulator.updates.queue import QueuedUpdate
    from neonpay.simulator.world import World

    Json = Mapping[str, object]
    Handler = Callable[[web.Request], Awaitable[Json]]

_ID_MAX_DIGITS: Final = 19
JOURNAL_MAX: Final = 1_000
"""Most calls or updates in one answer: the newest."""


def add_control(app: web.Application, world: World, *, from_anywhere: bool) -> None:
    """Add the routes of the control API."""
    control = Control(world, from_anywhere=from_anywhere)
    for verb, path, handler in control.routes():
        app.router.add_route(verb, f"/_sim{path}", control.guarded(handler))


class Control:
    """Turns requests into what people do."""

    def __init__(self, world: World, *, from_anywhere: bool) -> None:
        self._world = world
        self._from_anywhere = from_anywhere
        self._checkout = CheckoutControl(world, self)
        self._sales = SalesControl(world, self)
        self._places = PlacesControl(world, self)
        self._company = CompanyControl(self)
        self._pictures = PicturesControl(world, self)
        self._time = TimeControl(world)

    def routes(self) -> Iterable[tuple[str, str, Handler]]:
        """Verb, path under ``/_sim`` and what it does."""
        yield "GET", "/", self._index
        yield "GET", "/openapi.json", self._openapi
        yield "GET", "/users", self._users
        yield "POST", "/users", self._new_user
        yield "GET", "/users/{user}/messages", self._messages
        yield "POST", "/users/{user}/says", self._says
        yield "POST", "/users/{user}/presses", self._presses
        yield "POST", "/users/{user}/receives", self._receives
        yield "POST", "/users/{user}/pays", self._pays
        yield "POST", "/users/{user}/stars", self._stars
        yield "POST", "/users/{user}/balance", self._set_balance
        yield "POST", "/users/{user}/follows", self._follows
        yield "POST", "/users/{user}/blocks", self._blocks
        yield "GET", "/bots", self._bots
        yield "POST", "/bots", self._new_bot
        yield "GET", "/bots/{bot}/balance", self._balance
        yield "POST", "/bots/{bot}/moves", self._moves
        yield "GET", "/bots/{bot}/updates", self._updates
        yield "GET", "/journal", self._journal
        yield "GET", "/faults", self._faults
        yield "POST", "/faults", self._new_fault
        yield "DELETE", "/faults", self._no_faults
        yield "DELETE", "/faults/{number}", self._no_fault
        yield from self._checkout.routes()
        yield from self._sales.routes()
        yield from self._places.routes()
        yield from self._company.routes()
        yield from self._pictures.routes()
        yield from self._time.routes()

    def guarded(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """The handler behind the checks that every route has, its errors as JSON."""

        async def serve(request: web.Request) -> web.StreamResponse:
            if not self._from_anywhere and not (is_loopback(request.remote) and is_loopback(request.url.host)):
                return _error(403, "the control API answers only this machine; start with control_from_anywhere")
            if request.method == "POST" and request.content_type != "application/json":
                return _error(415, "send application/json")
            try:
                return web.json_response(dict(await handler(request)))
            except ValidationError as error:
                problems = [{"field": ".".join(map(str, one["loc"])), "problem": one["msg"]} for one in error.errors()]
                return web.json_response({"error": "the order cannot be read", "problems": problems}, status=400)
            except SimulatorTimeoutError as error:
                return _error(504, str(error))
            except SimulatorError as error:
                return _error(400, str(error))
            finally:
                if request.method != "GET":
                    self._world.bell.ring()

        return serve

    async def _index(self, request: web.Request) -> Json:
        return {
            "time": self._world.clock.moment().isoformat(),
            "routes": [f"{verb} /_sim{path}" for verb, path, _ in self.routes()],
        }

    async def _openapi(self, request: web.Request) -> Json:
        return openapi((verb, path) for verb, path, _ in self.routes())

    async def _users(self, request: web.Request) -> Json:
        people = (Buyer(self._world, account) for account in self._world.accounts.users.values())
        return {"users": [_person(buyer) for buyer in people]}

    async def _new_user(self, request: web.Request) -> Json:
        order = await orders.read(request, orders.NewUser)
        account = self._world.accounts.user(
            order.name, stars=order.stars, user_id=order.id, username=order.username, language_code=order.language_code
        )
        return _person(Buyer(self._world, account))

    async def _messages(self, request: web.Request) -> Json:
        bot, group = request.query.get("bot"), request.query.get("group")
        if (bot is None) == (group is None):
            raise SimulatorError("give bot or group, behind a question mark")
        if group is not None and not _is_user_id(group.removeprefix("-")):
            raise SimulatorError(f"there is no group {group}")
        topic = request.query.get("topic")
        if topic is not None and not _is_user_id(topic):
            raise SimulatorError(f"there is no topic {topic}")
        where = self.place(
            bot,
            None if group is None else int(group),
            None if topic is None else int(topic),
        )
        return {"messages": [dump(message) for message in self.buyer(request).messages(where)]}

    async def _says(self, request: web.Request) -> Json:
        order = await orders.read(request, orders.Says)
        reply_to = None if order.reply_to is None else self.message(order.reply_to)
        where = self.place(order.bot, order.group, order.topic)
        return {"message": dump(await self.buyer(request).says(order.text, to=where, reply_to=reply_to))}

    async def _presses(self, request: web.Request) -> Json:
        order = await orders.read(request, orders.Presses)
        buyer, message = self.buyer(request), self.message(order.message_id)
        if order.place is not None:
            pressed = await buyer.presses_at(*order.place, on=message, wait=order.wait, timeout_s=order.timeout_s)
        elif order.button is not None:
            pressed = await buyer.presses(order.button, on=message, wait=order.wait, timeout_s=order.timeout_s)
        else:
            raise SimulatorError("give button or place")
        return self._pressed(buyer, pressed)

    async def _follows(self, request: web.Request) -> Json:
        order = await orders.read(request, orders.Follows)
        buyer = self.buyer(request)
        return self._pressed(buyer, await buyer.follows(order.url))

    def _pressed(self, buyer: Buyer, pressed: Pressed) -> Json:
        answer: dict[str, object] = {"kind": pressed.kind, "answered": pressed.answered, "url": pressed.url}
        answer |= {"text": pressed.text, "show_alert": pressed.show_alert}
        if pressed.form is not None:
            answer["form"] = self._checkout.remember(buyer, pressed.form)
        if pressed.message is not None:
            answer["message"] = dump(pressed.message)
        return answer

    async def _receives(self, request: web.Request) -> Json:
        order = await orders.read(request, orders.Receives)
        return {"message": dump(await self.buyer(request).receives(self.message(order.message_id)))}

    async def _pays(self, request: web.Request) -> Json:
        order = await orders.read(request, orders.Pays)
        what = order.link if order.link is not None else self.message(order.message_id or 0)
        outcome = await self.buyer(request).pays(what, timeout_s=order.timeout_s)
        return {
            "status": outcome.status,
            "reason": outcome.reason,
            "charge_id": outcome.charge_id,
            **price_as_json(outcome.amount, outcome.currency),
            "query_id": outcome.query_id,
        }

    async def _stars(self, request: web.Request) -> Json:
        order = await orders.read(request, orders.Stars)
        buyer = self.buyer(request)
        buyer.gets_stars(order.stars)
        return _person(buyer)

    async def _set_balance(self, request: web.Request) -> Json:
        order = await orders.read(request, orders.Balance)
        buyer = self.buyer(request)
        buyer.has_stars(order.stars)
        return _person(buyer)

    async def _blocks(self, request: web.Request) -> Json:
        order = await orders.read(request, orders.Blocks)
        buyer, bot = self.buyer(request), self._bot(order.bot)
        await (buyer.blocks(bot) if order.blocked else buyer.unblocks(bot))
        return {"blocked": order.blocked}

    async def _bots(self, request: web.Request) -> Json:
        bots = self._world.accounts.bots.values()
        return {"bots": [_shop(bot) for bot in bots]}

    async def _new_bot(self, request: web.Request) -> Json:
        order = await orders.read(request, orders.NewBot)
        bot = self._world.accounts.bot(order.username, token=order.token, name=order.name)
        return _shop(bot)

    async def _balance(self, request: web.Request) -> Json:
        bot = self._bot(request.match_info["bot"])
        payments = [
            {
                "charge_id": payment.charge_id,
                "user_id": payment.user_id,
                "amount": payment.amount,
                "payload": payment.payload,
                "refunded": payment.refunded,
            }
            for payment in self._world.till.payments(bot)
        ]
        by_card = [
            {
                "charge_id": taken.charge_id,
                "provider_charge_id": taken.provider_charge_id,
                "user_id": taken.user_id,
                "amount": taken.amount,
                "currency": taken.currency,
                "payload": taken.payload,
            }
            for taken in self._world.cards.payments(bot)[-JOURNAL_MAX:]
        ]
        return {"stars": bot.balance_stars, "payments": payments[-JOURNAL_MAX:], "card_payments": by_card}

    async def _moves(self, request: web.Request) -> Json:
        order = await orders.read(request, orders.Moves)
        bot = self._bot(request.match_info["bot"])
        treasury = Treasury(self._world.till, self._world.clock, self._world.accounts, bot)
        if order.kind == "withdrawal":
            withdrawal = treasury.withdraws(order.stars)
            if order.ends != "pending":
                (withdrawal.succeeds if order.ends == "succeeded" else withdrawal.fails)()
            transaction_id = withdrawal.id
        else:
            user = None if order.user is None else self._person(str(order.user))
            transaction_id = treasury.move(order.kind, order.stars, nanostars=order.nanostars, user=user)
        return {"id": transaction_id, "stars": bot.balance_stars, "nanostars": bot.balance_nanostars}

    async def _updates(self, request: web.Request) -> Json:
        queue = self._world.postbox(self._bot(request.match_info["bot"])).queue
        queue.pending()
        return {"updates": [_queued(update) for update in queue.history[-JOURNAL_MAX:]]}

    async def _journal(self, request: web.Request) -> Json:
        method = request.query.get("method", "").lower()
        calls = [call for call in self._world.journal if not method or call.method.lower() == method]
        return {"calls": [_called(call) for call in calls[-JOURNAL_MAX:]]}

    async def _faults(self, request: web.Request) -> Json:
        return {"faults": [described_fault(fault) for fault in self._world.faults.waiting()]}

    async def _new_fault(self, request: web.Request) -> Json:
        return described_fault(add_fault(self._world.faults, await orders.read(request, orders.NewFault)))

    async def _no_faults(self, request: web.Request) -> Json:
        self._world.faults.clear()
        return {"faults": []}

    async def _no_fault(self, request: web.Request) -> Json:
        number = request.match_info["number"]
        if not _is_user_id(number):
            raise SimulatorError(f"{number!r} is no number of a fault")
        self._world.faults.remove(int(number))
        return await self._faults(request)

    def buyer(self, request: web.Request) -> Buyer:
        """The person that the path names."""
        return self._person(request.match_info["user"])

    def person(self, user_id: int) -> Buyer:
        """The person with this id."""
        return self._person(str(user_id))

    def place(self, bot: str | None, group: int | None, topic: int | None = None) -> Where:
        """The bot with this username, or the group with this id, or its topic."""
        if group is None:
            return self._bot(bot or "")
        found = self.group(group)
        if topic is None:
            return found
        if topic not in found.topics:
            raise SimulatorError(f"there is no topic {topic} in {found.title!r}")
        return found.topics[topic]

    def group(self, group_id: int) -> Group:
        """The group with this id."""
        found = self._world.chats.groups.get(group_id)
        if found is None:
            raise SimulatorError(f"there is no group {group_id}")
        return found

    def _person(self, named: str) -> Buyer:
        account = self._world.accounts.users.get(int(named)) if _is_user_id(named) else None
        if account is None:
            raise SimulatorError(f"there is no user {named}")
        return Buyer(self._world, account)

    def _bot(self, username: str) -> BotAccount:
        return self._world.accounts.bot_named(username)

    def message(self, message_id: int) -> types.Message:
        """The message with this id, in whatever chat."""
        post = self._world.chats.find(message_id)
        if post is None:
            raise SimulatorError(f"there is no message {message_id}")
        return post.message


def _is_user_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _ID_MAX_DIGITS


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)


def _person(buyer: Buyer) -> Json:
    return {"id": buyer.id, "name": buyer.name, "stars": buyer.stars}


def _shop(bot: BotAccount) -> Json:
    return {"id": bot.id, "username": bot.username, "name": bot.name, "stars": bot.balance_stars}


def _queued(update: QueuedUpdate) -> Json:
    return {
        "update_id": update.update_id,
        "kind": update.kind,
        "payload": update.payload,
        "state": update.state,
        "delivered_count": update.delivered_count,
    }


def _called(call: Call) -> Json:
    return {
        "at": call.at.isoformat(),
        "bot": call.bot,
        "method": call.method,
        "params": call.params,
        "ok": call.ok,
        "result": call.result,
        "error_code": call.error_code,
        "description": call.description,
        "answered": call.answered,
    }

"""aiogram 3: one outer middleware on the dispatcher's updates, and calls through the host's own bot.

The middleware sees every update before any other middleware, router, filter or handler, whether it comes by polling, by
webhook or by ``feed_update``, and consumes only what ``UpdateSink.owns``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import cache, lru_cache
from typing import Any, cast

from aiogram import Bot, Dispatcher, Router
from aiogram.client.session.middlewares.manager import RequestMiddlewareManager
from aiogram.exceptions import (
    AiogramError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import GetUpdates, Response, SetWebhook, TelegramMethod
from aiogram.types import Message, TelegramObject, Update, User
from pydantic import ConfigDict

from neonpay.adapters._common.facts import delivery_of
from neonpay.adapters._common.given import refuse_unused
from neonpay.adapters._common.kinds import ALL, with_ours
from neonpay.adapters._common.one_shop import Claim
from neonpay.adapters._common.seeing import tell_of
from neonpay.core.clock import Clock, microseconds
from neonpay.core.jsontext import JsonValue
from neonpay.core.payments import Charge, PreCheckout, RefundNotice
from neonpay.core.people import Sender
from neonpay.core.ports import Capabilities, Command, Level, Press, UpdateSink
from neonpay.core.subscriptions import SubscriptionChange
from neonpay.errors import AdapterError, TelegramError, TelegramUnreachableError
from neonpay.telegram.border import at_the_border
from neonpay.telegram.contested import Contest

_CODES: tuple[tuple[type[TelegramAPIError], int], ...] = (
    (TelegramEntityTooLarge, 413),
    (TelegramRetryAfter, 429),
    (TelegramMigrateToChat, 400),
    (TelegramBadRequest, 400),
    (TelegramUnauthorizedError, 401),
    (TelegramForbiddenError, 403),
    (TelegramNotFound, 404),
    (TelegramConflictError, 409),
    (TelegramServerError, 500),
)

_KNOWN = ("aiogram.", __name__)
"""Where methods are made whose answers are models; what one of the host's own brings may be nothing that pydantic takes."""

Next = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


def connect(
    bot_instance: object, *, dispatcher: object = None, application: object = None, api_url: str | None = None
) -> AiogramAdapter:
    """The adapter of the objects that a user holds.

    Raises:
        AdapterError: the bot or the dispatcher is missing, or something else is there; the message shows the line to write.
    """
    refuse_unused("create_neonpay(bot, dispatcher=dp)", application=application)
    bot = bot_instance if isinstance(bot_instance, Bot) else None
    root = dispatcher if bot is not None else bot_instance
    if isinstance(root, Router) and not isinstance(root, Dispatcher):
        while root.parent_router is not None:
            root = root.parent_router
    if bot is None or not isinstance(root, Dispatcher):
        msg = "aiogram needs the bot and its dispatcher: create_neonpay(bot, dispatcher=dp)"
        raise AdapterError(msg)
    return AiogramAdapter(bot, root)


class AiogramAdapter:
    """An aiogram bot and its dispatcher.

    Polling confirms an update to Telegram before its handler has run, unless it is started with
    ``handle_as_tasks=False``; the webhook handler does unless it is made with ``handle_in_background=False``. The adapter
    cannot see which, so it promises level B.
    """

    library = "aiogram"
    capabilities = Capabilities(level=Level.B, subscription_updates="subscription" in Update.model_fields)

    def __init__(self, bot: Bot, dispatcher: Dispatcher) -> None:
        self._bot = bot
        self._dispatcher = dispatcher
        self._sink: UpdateSink | None = None
        self._claim: Claim | None = None
        self._contest = Contest()
        self._started_with: dict[str, object] = {}
        self._converses = False
        self._sees: Clock | None = None

    @property
    def bot_id(self) -> int:
        """Telegram's id of the bot."""
        return self._bot.id

    @property
    def bot_username(self) -> str | None:
        """What the bot is called, as far as the library has asked."""
        username: str | None = getattr(getattr(self._bot, "_me", None), "username", None)  # bot.me() would ask Telegram
        return username

    def attach(self, sink: UpdateSink) -> None:
        """Tap the dispatcher; a second call does nothing."""
        if self._sink is not None:
            return
        self._claim = Claim(self._bot, updates=self._dispatcher, bot_id=self._bot.id)
        self._sink = sink
        middlewares = self._dispatcher.update.outer_middleware
        theirs = list(middlewares)
        # First in line: a throttle, an error handler that swallows, FSM locks and a storage that is down all come later.
        for middleware in theirs:
            middlewares.unregister(middleware)
        for middleware in (self._tap, *theirs):
            middlewares.register(middleware)
        # start_polling asks Telegram for the kinds of updates that have handlers, and a middleware is none.
        for name in ALL:
            observer = self._dispatcher.observers.get(name)
            if observer is not None:
                observer.register(_nothing, _never)
        # Whatever else the host does: behind a web framework it may emit no startup.
        outgoing = getattr(self._bot.session, "middleware", None)
        if isinstance(outgoing, RequestMiddlewareManager):
            outgoing.register(self._calling)
        self._dispatcher.startup.register(self._startup)
        self._dispatcher.shutdown.register(self._shutdown)

    def converse(self) -> None:
        """Hand over the commands and pressed buttons that the sink wants, too."""
        self._converses = True
        self._dispatcher.callback_query.register(_nothing, _never)

    def see(self, clock: Clock) -> None:
        """Tell the sink of each update of a person, too."""
        if self._sees is None:
            self._sees = clock
            self._dispatcher.callback_query.register(_nothing, _never)

    @property
    def _wants_presses(self) -> bool:
        return self._converses or self._sees is not None

    def host_data(self) -> Mapping[str, object]:
        """The bot, and what the host gave the dispatcher or ``start_polling``."""
        return {
            **self._dispatcher.workflow_data,
            **self._started_with,
            "dispatcher": self._dispatcher,
            "bot": self._bot,
        }

    @at_the_border
    async def call(self, method: str, params: Mapping[str, JsonValue]) -> JsonValue:
        """The result of a Bot API method, as plain JSON."""
        try:
            # Plain JSON, because aiogram's own models refuse whole answers over one field that they do not know.
            return _plain(await self._bot(_method(method)(**params)))
        except TelegramRetryAfter as exc:
            words = f"Too Many Requests: retry after {exc.retry_after}"
            raise TelegramError(method, error_code=429, description=words, retry_after_s=exc.retry_after) from exc
        except TelegramAPIError as exc:
            code = next((code for kind, code in _CODES if isinstance(exc, kind)), None)
            if code is None or (isinstance(exc, TelegramNetworkError) and code != 413):  # noqa: PLR2004
                raise TelegramUnreachableError(method) from exc
            raise TelegramError(method, error_code=code, description=exc.message) from exc
        except AiogramError as exc:
            # An answer that is no JSON, or no answer of Telegram's.
            raise TelegramUnreachableError(method) from exc

    async def close(self) -> None:
        """Nothing of the adapter's own has to be given back."""
        if self._claim is not None:
            self._claim.release()

    async def _startup(self, **data: object) -> None:
        assert self._sink is not None, "the hook is registered when a sink is attached"
        self._started_with = {name: value for name, value in data.items() if name not in {"bots", "router"}}
        await self._sink.open()

    async def _shutdown(self) -> None:
        assert self._sink is not None, "the hook is registered when a sink is attached"
        await self._sink.close()

    async def _calling(self, make_request: Any, bot: Bot, method: TelegramMethod[Any]) -> Any:
        """Pass a call of the host's bot on; who names the updates to get, gets ours, too."""
        if type(method).__module__.startswith(_KNOWN):
            _hold_answer_model(method.__returning__)
        if self._sink is not None and bot.id == self._bot.id:
            self._sink.host_is_up()
            if isinstance(method, GetUpdates | SetWebhook) and method.allowed_updates:
                kinds = with_ours(method.allowed_updates, presses=self._wants_presses)
                method = method.model_copy(update={"allowed_updates": kinds})
            if isinstance(method, GetUpdates):
                with self._contest.noticed(bot.id):
                    return await make_request(bot, method)
        return await make_request(bot, method)

    async def _tap(self, handler: Next, event: TelegramObject, data: dict[str, Any]) -> object:
        bot = data.get("bot")
        if isinstance(event, Update) and bot is not None and bot.id == self._bot.id:
            assert self._sink is not None, "the middleware is registered when a sink is attached"
            self._sink.host_is_up()
            if self._sees is not None:
                tell_of(self._sink, bot.id, event, self._sees)
            if await self._take(event):
                return None
        return await handler(event, data)

    async def _take(self, update: Update) -> bool:
        """Hand a payment of ours to the sink; whether it was one."""
        sink, bot_id = self._sink, self._bot.id
        assert sink is not None, "the middleware is registered when a sink is attached"
        if (query := update.pre_checkout_query) is not None:
            if not sink.owns(bot_id, query.invoice_payload):
                return False
            await sink.pre_checkout(
                PreCheckout(
                    bot_id=bot_id,
                    query_id=query.id,
                    user_id=query.from_user.id,
                    currency=query.currency,
                    amount=query.total_amount,
                    payload=query.invoice_payload,
                    language_code=query.from_user.language_code,
                    sender=_sender(query.from_user),
                )
            )
            return True
        if self._converses and await self._take_words(update):
            return True
        message = update.message
        if message is None:
            return await self._take_subscription(update)
        if message.successful_payment is not None and sink.owns(bot_id, message.successful_payment.invoice_payload):
            await sink.charged(_charge(bot_id, message))
            return True
        refunded = message.refunded_payment
        if refunded is not None and sink.owns(bot_id, refunded.invoice_payload):
            await sink.refunded(
                RefundNotice(
                    bot_id=bot_id,
                    charge_id=refunded.telegram_payment_charge_id,
                    user_id=message.chat.id,
                    amount=refunded.total_amount,
                    payload=refunded.invoice_payload,
                )
            )
            return True
        return False

    async def _take_subscription(self, update: Update) -> bool:
        """Hand what is told of a subscription of ours to the sink; whether it was one."""
        sink, change = self._sink, getattr(update, "subscription", None)
        assert sink is not None, "the middleware is registered when a sink is attached"
        # Versions that do not know it keep it as Telegram sent it.
        if isinstance(change, dict):
            delivery = delivery_of(sink, self._bot.id, {"subscription": change})
            if delivery is not None:
                await delivery()
            return delivery is not None
        if change is None or not sink.owns(self._bot.id, change.invoice_payload):
            return False
        await sink.subscription_changed(
            SubscriptionChange(
                bot_id=self._bot.id, user_id=change.user.id, payload=change.invoice_payload, state=change.state
            )
        )
        return True

    async def _take_words(self, update: Update) -> bool:
        """Hand a command or a pressed button that is wanted to the sink; whether it was one."""
        sink, bot_id = self._sink, self._bot.id
        assert sink is not None, "the middleware is registered when a sink is attached"
        message, query = update.message, update.callback_query
        if message is not None and message.text is not None and message.from_user is not None:
            user_id = message.from_user.id
            if message.chat.type != "private" or not sink.wants_command(bot_id, message.text, user_id):
                return False
            await sink.command(
                Command(
                    bot_id=bot_id,
                    user_id=user_id,
                    chat_id=message.chat.id,
                    text=message.text,
                    language_code=message.from_user.language_code,
                    sender=_sender(message.from_user),
                    message_thread_id=_topic(message),
                )
            )
            return True
        if query is None or query.data is None or not sink.wants_press(bot_id, query.data):
            return False
        under = query.message
        await sink.press(
            Press(
                bot_id=bot_id,
                user_id=query.from_user.id,
                query_id=query.id,
                data=query.data,
                chat_id=None if under is None else under.chat.id,
                message_id=None if under is None else under.message_id,
                message_thread_id=_topic(under) if isinstance(under, Message) else None,
                message_text=under.text if isinstance(under, Message) else None,
                language_code=query.from_user.language_code,
            )
        )
        return True

    def __repr__(self) -> str:
        return f"<AiogramAdapter of bot {self._bot.id}>"


def _topic(message: Message) -> int | None:
    # A number without the mark is that of a thread of replies, which is no topic.
    return message.message_thread_id if message.is_topic_message else None


def _charge(bot_id: int, message: Message) -> Charge:
    paid = message.successful_payment
    assert paid is not None, "only called for a message that carries a payment"
    expires = paid.subscription_expiration_date
    return Charge(
        bot_id=bot_id,
        charge_id=paid.telegram_payment_charge_id,
        user_id=message.from_user.id if message.from_user is not None else message.chat.id,
        amount=paid.total_amount,
        currency=paid.currency,
        payload=paid.invoice_payload,
        paid_at_us=microseconds(message.date),
        provider_charge_id=paid.provider_payment_charge_id or None,
        is_recurring=bool(paid.is_recurring),
        is_first_recurring=bool(paid.is_first_recurring),
        subscription_expires_at_us=None if expires is None else expires * 1_000_000,
        sender=None if message.from_user is None else _sender(message.from_user),
    )


def _sender(user: User) -> Sender:
    return Sender(user.username, user.first_name, user.language_code)


def _plain(answer: object) -> JsonValue:
    """An answer as plain JSON; sessions that stand in for Telegram in people's tests answer with aiogram's objects."""
    if isinstance(answer, TelegramObject):
        return cast("JsonValue", answer.model_dump(mode="json", by_alias=True, exclude_none=True))
    if isinstance(answer, list):
        return [_plain(each) for each in answer]
    return cast("JsonValue", answer)


@lru_cache(maxsize=256)
def _method(name: str) -> type[TelegramMethod[Any]]:
    # Named like aiogram's own, because session middlewares of the host log and count methods by class name.
    about = {"__module__": __name__, "__returning__": Any, "__api_method__": name}
    made = type(
        name[0].upper() + name[1:], (TelegramMethod[Any],), {**about, "model_config": ConfigDict(extra="allow")}
    )
    return cast("type[TelegramMethod[Any]]", made)


@cache
def _hold_answer_model(returning: object) -> object:
    """Keep aiogram's model of the answers that bring this.

    aiogram asks pydantic for it at every call, and pydantic forgets it when nobody holds it and rubbish is collected; making it
    again costs up to a tenth of a checkout.
    """
    model: object = Response.__class_getitem__(returning)  # type: ignore[arg-type]
    return model


async def _never(*_args: object, **_kwargs: object) -> bool:
    return False


async def _nothing(*_args: object, **_kwargs: object) -> None:
    return None

"""Notifications as an extension: rules turn events into messages, which wait in the ledger and go out by their channels."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import sqlalchemy as sa

from neonpay.core.events import Event
from neonpay.core.jsontext import JsonObject, JsonValue
from neonpay.core.whole import is_whole
from neonpay.errors import ConfigurationError, LedgerClosedError, LedgerError, ValidationError
from neonpay.ledger.tables_notifications import notifications
from neonpay.notifications import queue
from neonpay.notifications.alert_words import written
from neonpay.notifications.channels import CHANNELS, Means, open_channel
from neonpay.notifications.config import NotificationConfig
from neonpay.notifications.declared import STAND_BY_S, Ways, declare, leave, rules_as_json, stand_by
from neonpay.notifications.endpoints import EndpointBook
from neonpay.notifications.fitting import straight, tamed
from neonpay.notifications.forgetting import forget_subscribers
from neonpay.notifications.host_words import Translator
from neonpay.notifications.kinds import NotificationType
from neonpay.notifications.manners import Manners
from neonpay.notifications.masking import is_shared_chat, shown_buyer
from neonpay.notifications.queue import Queued
from neonpay.notifications.reaching import say_who_is_unreached
from neonpay.notifications.recipients import check_recipients
from neonpay.notifications.rule_checks import check_rule
from neonpay.notifications.rules import Rule, event_data, variables_of
from neonpay.notifications.sender import Sender
from neonpay.notifications.telling import tell_endpoints
from neonpay.notifications.templates import Templates
from neonpay.payments.extension import Extension, Host, Lent, Subscriber
from neonpay.store.loops import Loop
from neonpay.store.periodic import PeriodicTask, Turn

logger = logging.getLogger("neonpay.notifications")

_LOOK_S: Final = 60.0
_OWN_BOT: Final = "the shop's own bot"
_NOT_OPEN_S: Final = 1.0
_CLEAN_S: Final = 3600.0
_LEFT_LYING_US: Final = 600 * 1_000_000
"""A message that has been due for so long is one that nobody sends: each attempt at it makes it due anew."""
_FORGET_AT_ONCE: Final = 500
_US: Final = 1_000_000
_DAY_US: Final = 24 * 3600 * _US
_KEEP_MOST_DAYS: Final = 36_500


@dataclass(frozen=True, slots=True)
class _Open:
    host: Host
    means: Means
    senders: Mapping[NotificationType, Sender]
    since_us: int


class Notifications(Extension):
    """Tells people and programs of what happens: ``neonpay.use(Notifications(config, rules=[Rule(…)]))``.

    A message is written to the ledger once under an id that follows from its event, rule and recipient, and sent until its
    channel has taken it, by one program of the shop at a time. A program that is killed between sending and marking sends it
    again: at least once, with the same id. No sale waits for any of it.

    Args:
        config: the channels. Telegram is there without one, by the shop's own bot.
        rules: what is told to whom.
        owners: user ids of those who are told where neither rule nor configuration says to whom.
        language_code: of what owners read.
        manners: quiet hours, throttling, gathering.
        translate: the host's own translator, asked before ours.
        keep_days: how long what was sent is kept for the log.

    Raises:
        ValidationError: it is kept for less than a day: whoever is told twice can be told so for as long as it is there.
    """

    name = "notifications"

    def __init__(
        self,
        config: NotificationConfig | None = None,
        *,
        rules: Sequence[Rule] = (),
        owners: Sequence[int] = (),
        language_code: str | None = None,
        manners: Manners | None = None,
        translate: Translator | None = None,
        keep_days: int = 30,
    ) -> None:
        if not is_whole(keep_days, 1, _KEEP_MOST_DAYS):
            raise ValidationError("keep_days", keep_days, f"1 to {_KEEP_MOST_DAYS:,} days")
        self.config = config or NotificationConfig()
        self.rules = list(rules)
        self.templates = Templates(translate)
        self.manners = manners or Manners()
        self.language_code = language_code
        self._owners = tuple(str(owner) for owner in owners)
        self._keep_us = keep_days * _DAY_US
        self._open: _Open | None = None
        self._has_told = False
        self._named: set[NotificationType] = set()
        self._has_seen_another_bot = False
        self.buttons_of: Callable[[Event, str], list[JsonValue]] | None = None
        """Makes the rows of buttons under what a recipient is told of an event in Telegram; none where it says none."""

    @asynccontextmanager
    async def running(self, host: Host) -> AsyncIterator[None]:
        """Send while the shop is open."""
        endpoints = EndpointBook(host.ledger, host.bot_id)
        means = Means(self.config, host.clock, call=_Calls(host), endpoint=endpoints.find)
        self._say_what_is_missing()
        ways = self._ways()
        self._say_who_differs(await host.ledger.run(declare, host.bot_id, ways, host.clock.now_us()))
        senders = {
            name: Sender(
                name,
                partial(open_channel, name, means),
                host.ledger,
                host.clock,
                manners=self.manners,
                language_of=lambda _: self.language_code,
                another_may=partial(self._another_may, name),
            )
            for name in self._channels()
        }
        for rule in self.rules:
            senders[rule.channel].open()
            check_recipients(rule, self.recipients_of(rule))
        opened = self._open = _Open(host, means, senders, host.clock.now_us())
        standing_by = Loop(self.name, self._stands_by(host, ways, means), first_s=STAND_BY_S)
        standing_by.start()
        try:
            yield
        finally:
            await standing_by.stop()
            with suppress(LedgerError):
                await host.ledger.run(leave, host.bot_id, ways)
            if self._open is opened:  # and not that of a shop which was opened on another event loop meanwhile
                self._open = None
            for sender in senders.values():
                await sender.close()

    def subscribers(self) -> Sequence[Subscriber]:
        """One for each rule, so that a program which has it tells by it, whatever rules other programs have."""
        named: dict[str, list[Rule]] = {}
        for rule in self.rules:
            if self.recipients_of(rule):  # what this program can tell nobody is for one that can
                named.setdefault(rule.name, []).append(rule)
        return [
            Subscriber(
                name=name,
                events=frozenset().union(*[rule.events for rule in rules]),
                run=partial(self.tell, rules=rules),
            )
            for name, rules in named.items()
        ]

    def periodic(self) -> Sequence[PeriodicTask]:
        """A task for each channel, so that none waits for another; one tells endpoints, and one forgets what is old."""
        # What waits for a channel that this program has not is for a program that has it.
        sending = [PeriodicTask(name.value, _LOOK_S, self._turn_of(name), at_start=True) for name in self._channels()]
        telling = PeriodicTask("events", _LOOK_S, self._tell_endpoints, at_start=True)
        return [*sending, telling, PeriodicTask("clean", _CLEAN_S, self._clean)]

    async def tell(self, event: Event, *, rules: Sequence[Rule] | None = None) -> None:
        """Queue what these rules say of an event; all of them when left out."""
        queued = [
            self._queued(rule, event, recipient)
            for rule in (self.rules if rules is None else rules)
            if rule.wants(event)
            for recipient in self.recipients_of(rule)
        ]
        await self.put(queued)

    async def put(self, queued: Sequence[Queued]) -> int:
        """Queue messages; how many were not there already.

        Raises:
            LedgerClosedError: the shop is not open.
        """
        if not queued:
            return 0
        host = self._opened().host
        new = await host.ledger.run(queue.put, host.bot_id, queued)
        if new:
            host.look_soon()
        return new

    @property
    def endpoints(self) -> EndpointBook:
        """Programs that are told of the shop's events.

        Raises:
            LedgerClosedError: the shop is not open.
        """
        host = self._opened().host
        return EndpointBook(host.ledger, host.bot_id)

    @property
    def means(self) -> Means:
        """What its channels may use.

        Raises:
            LedgerClosedError: the shop is not open.
        """
        return self._opened().means

    def recipients_of(self, rule: Rule) -> tuple[str, ...]:
        """To whom a rule tells."""
        if rule.recipients:
            return rule.recipients
        chosen = self.config.default_recipient(rule.channel)
        if chosen is not None:
            return (chosen,)
        return self._owners if rule.channel is NotificationType.TELEGRAM else ()

    def export(self, transaction: Lent, user_id: int) -> JsonObject:
        """What was said about a person."""
        row = notifications.c
        query = sa.select(row.made_at, row.channel, row.kind, row.subject, row.body).where(
            row.bot_id == self._opened().host.bot_id, row.user_id == user_id
        )
        told = transaction.connection.execute(query.order_by(row.made_at)).all()
        return {
            "notifications": [
                {"at": at.isoformat(), "channel": channel, "kind": kind, "subject": subject, "body": body}
                for at, channel, kind, subject, body in told
            ]
        }

    def _queued(self, rule: Rule, event: Event, recipient: str) -> Queued:
        told, is_telegram = event, rule.channel is NotificationType.TELEGRAM
        is_shared = is_telegram and is_shared_chat(recipient)
        if event.reason is not None:
            # In Slack and Discord the channel itself sees to it that nobody is mentioned.
            told = replace(event, reason=tamed(event.reason) if is_telegram else straight(event.reason))
        text = None
        if rule.template is not None:
            values = variables_of(told)
            if is_shared and told.user_id is not None and self.templates.is_ours(rule.template):
                values["user_id"] = shown_buyer(told.user_id)
            text = self.templates.written_if_it_can(rule.template, values, self.language_code)
        text = text or written(told, self.language_code, self.templates.say, is_shared=is_shared)
        data: dict[str, JsonValue] = {name: value for name, value in event_data(event).items() if value is not None}
        if self.buttons_of is not None and is_telegram:
            buttons = self.buttons_of(event, recipient)
            data |= {"buttons": buttons} if buttons else {}
        return rule.queued(event, recipient, text, self.manners, data)

    def _turn_of(self, name: NotificationType) -> Callable[[Turn], Awaitable[float | None]]:
        async def turn(turn: Turn) -> float | None:
            if self._open is None:
                return _NOT_OPEN_S
            pause_s = await self._open.senders[name].turn(turn)
            return None if pause_s is None else min(pause_s, _LOOK_S)

        return turn

    async def _tell_endpoints(self, turn: Turn) -> float | None:
        if self._open is None:
            return _NOT_OPEN_S
        host = self._open.host
        return await tell_endpoints(host.ledger, turn, queued=host.look_soon)

    async def _clean(self, turn: Turn) -> float | None:
        if self._open is None:
            return _NOT_OPEN_S
        host, now_us = self._open.host, self._open.host.clock.now_us()
        if (
            now_us - self._open.since_us >= _CLEAN_S * _US
        ):  # and programs that start together have all said what they have
            own = [f"{self.name}:{subscriber.name}" for subscriber in self.subscribers()]
            for name in await host.ledger.run(forget_subscribers, host.bot_id, f"{self.name}:", own):
                logger.info("rule %s is forgotten: no program of this shop has it any more", name)
        before_us = now_us - self._keep_us
        gone = await host.ledger.run(queue.forget_old, host.bot_id, before_us, _FORGET_AT_ONCE)
        return 0.0 if gone == _FORGET_AT_ONCE else None

    def _channels(self) -> list[NotificationType]:
        """Those that this program can send by, as far as its configuration says."""
        return [name for name, row in CHANNELS.items() if row.is_there(self.config, True)]

    def _ways(self) -> Ways:
        token, quiet = self.config.telegram_bot_token, self.manners.quiet
        return Ways(
            telegram=_OWN_BOT if token is None else token.partition(":")[0],
            language=self.language_code or "en",
            quiet="" if quiet is None else f"{quiet.begin}-{quiet.end} {quiet.zone}",
            rules=rules_as_json([(rule, self.recipients_of(rule)) for rule in self.rules]),
        )

    def _stands_by(self, host: Host, ways: Ways, means: Means) -> Callable[[], Awaitable[float]]:
        chats = [
            recipient
            for rule in self.rules
            if rule.channel is NotificationType.TELEGRAM
            for recipient in self.recipients_of(rule)
        ]

        async def turn() -> float:
            self._say_who_differs(await host.ledger.run(stand_by, host.bot_id, ways, host.clock.now_us()))
            await self._say_what_lies(host)
            if chats:
                asked = tuple(chats)
                chats.clear()  # once for a program that starts, whatever comes of it
                await say_who_is_unreached(means, asked)
            return STAND_BY_S

        return turn

    async def _say_what_lies(self, host: Host) -> None:
        """Name once a channel that this program has not and by which nobody sends what waits, as when its settings went."""
        lying = await host.ledger.read(queue.left_lying, host.bot_id, host.clock.now_us() - _LEFT_LYING_US)
        for name in sorted(lying.keys() - set(self._channels()) - self._named):
            self._named.add(name)
            logger.warning(
                "messages by %s wait (%d), and no program of this shop sends them. It needs %s; see: "
                "neonpay notifications log --state waiting --type %s",
                name,
                lying[name],
                CHANNELS[name].needs,
                name,
            )

    def _another_may(self, name: NotificationType) -> bool:
        """Whether whom this program cannot write to may have started the bot of another one."""
        return name is NotificationType.TELEGRAM and self._has_seen_another_bot

    def _say_who_differs(self, names: Sequence[str]) -> None:
        self._has_seen_another_bot = self._has_seen_another_bot or "telegram" in names
        if names and not self._has_told:
            self._has_told = True
            logger.warning(
                "another program of this shop tells in other ways: %s. Whichever comes first tells of an event, and sends it, "
                "so give both the same configuration, language and quiet hours, and rules of one name the same contents",
                ", ".join(names),
            )

    def _say_what_is_missing(self) -> None:
        in_vain = []
        for rule in self.rules:
            check_rule(rule, self.templates)
            row = CHANNELS[rule.channel]
            if rule.channel not in self._channels():
                msg = f"rule {rule.name!r} tells by {rule.channel}, which needs {row.needs}; give it to NotificationConfig(…)"
                raise ConfigurationError(msg)
            if not self.recipients_of(rule):
                in_vain.append(rule.name)
        if in_vain:
            logger.warning(
                "nobody is told by rule%s %s: write create_neonpay(..., admins=[123456789]) or set NEONPAY_ADMINS=123456789, "
                "with your own user id, or name recipients",
                "" if len(set(in_vain)) == 1 else "s",
                ", ".join(dict.fromkeys(in_vain)),
            )

    def _opened(self) -> _Open:
        if self._open is None:
            msg = "nobody can be told before the shop is open"
            raise LedgerClosedError(msg)
        return self._open


class _Calls:
    """The shop's own bot, as channels call it."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def __call__(self, method: str, params: Mapping[str, JsonValue]) -> JsonValue:
        return await self._host.call(method, params, patience_s=5.0)

"""Whether Telegram knows the bot, in the environment that is meant, and has the time that this machine has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from neonpay.cli.checks.check import Check, ok, problem, skipped, warning
from neonpay.cli.checks.commands import LISTS, commands_check
from neonpay.cli.checks.updates import Expected, updates_checks
from neonpay.core.clock import Clock
from neonpay.core.jsontext import JsonValue
from neonpay.errors import ConfigurationError, TelegramError, TelegramUnreachableError
from neonpay.telegram.client import BASE_URL, BotApiClient

T = TypeVar("T")

NAMES = (
    "telegram.token",
    "telegram.environment",
    "telegram.clock",
    "updates.allowed",
    "updates.webhook",
    "updates.errors",
    "updates.pending",
    "bot.commands",
)
"""Every check that ``check_telegram`` makes, in this order."""
SKEW_WARNING_S = 5
SKEW_PROBLEM_S = 60
"""Neonpay's own bounds. Payments carry Telegram's time, and invoices, leases and comparisons go by the machine's: a clock
that is a minute off lets invoices expire early and takes what is under way for lost."""
_UNKNOWN_TOKEN = frozenset({401, 404})


@dataclass(frozen=True, slots=True)
class Line:
    """How Telegram is asked.

    Attributes:
        token: of the bot; shown nowhere.
        api_url: of a Bot API server that is not Telegram's own.
        test_environment: whether the bot lives in Telegram's test environment.
    """

    token: str = field(repr=False)
    api_url: str | None = None
    test_environment: bool = False
    timeout_s: float = 10.0

    def client(self, *, test_environment: bool) -> BotApiClient:
        """A client for one of the environments; raises ConfigurationError when the token is none."""
        return BotApiClient(
            self.token,
            base_url=self.api_url or BASE_URL,
            timeout_s=self.timeout_s,
            test_environment=test_environment,
        )

    @property
    def host(self) -> str:
        """Where the calls go, without anything that could be secret."""
        return host_of(self.api_url or BASE_URL)


def host_of(url: str) -> str:
    """Host and port of an address; its path, query and user name may be secrets."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.hostname or 'an address without a host'}{f':{port}' if port else ''}"


def unasked(fault: str | None, *, advice: str) -> list[Check]:
    """The same checks when there is no token, or one with a fault."""
    if fault is not None:
        return _and_the_rest([problem("telegram.token", fault, advice)])
    return [skipped(name, "there is no token", advice) for name in NAMES]


async def check_telegram(line: Line, *, expected: Expected, clock: Clock) -> list[Check]:
    """Every check of ``NAMES``, in this order; what cannot be asked because of an earlier answer is skipped."""
    try:
        client = line.client(test_environment=line.test_environment)
    except ConfigurationError as error:
        return _and_the_rest([problem("telegram.token", str(error), "take the token from @BotFather")])
    async with client:
        try:
            me = await client.call("getMe", {})
        except TelegramUnreachableError:
            advice = "see whether this machine gets there; give --api-url if the bot uses another server"
            return _and_the_rest([problem("telegram.token", f"no answer from {line.host}", advice)])
        except TelegramError as error:
            return _and_the_rest(await _refused(line, error))
        name = me.get("username") if isinstance(me, Mapping) else None
        checks = [
            ok("telegram.token", f"@{name} is bot {client.bot_id}, says {line.host}"),
            ok(
                "telegram.environment", f"the bot lives in Telegram's {_environment(line.test_environment)} environment"
            ),
            await _clock_check(client, clock),
        ]
        checks += await _asked(
            lambda: client.call("getWebhookInfo", {}),
            lambda info: updates_checks(_object(info), expected=expected, now_us=clock.now_us()),
            NAMES[3:7],
        )
        checks += await _asked(lambda: _commands(client), lambda found: [commands_check(found)], NAMES[7:])
        return checks


def _environment(is_test: bool) -> str:
    return "test" if is_test else "main"


async def _refused(line: Line, error: TelegramError) -> list[Check]:
    """What a refused ``getMe`` means: the other environment is asked before the token is called wrong."""
    words = f"{line.host} refuses the token: {error.error_code} {error.description}"
    if error.error_code not in _UNKNOWN_TOKEN:
        return [problem("telegram.token", words, "try again later; this is Telegram's answer, not the bot's")]
    async with line.client(test_environment=not line.test_environment) as other:
        try:
            await other.call("getMe", {})
        except (TelegramError, TelegramUnreachableError):
            advice = "take the token from @BotFather; a token that was revoked is never valid again"
            return [problem("telegram.token", words, advice)]
    here, there = _environment(line.test_environment), _environment(not line.test_environment)
    advice = (
        "give the bot the token of its main account, or have its library use the test environment"
        if not line.test_environment
        else "leave --test-environment out, or give the token of a bot in the test environment"
    )
    return [
        ok("telegram.token", f"the token is that of bot {other.bot_id}, says {line.host}"),
        problem(
            "telegram.environment",
            f"the bot lives in the {there} environment, and was asked for in the {here} one",
            advice,
        ),
    ]


async def _clock_check(client: BotApiClient, clock: Clock) -> Check:
    name = "telegram.clock"
    before_s = clock.now_us() / 1e6
    try:
        server_s = await client.server_time_s()
    except (TelegramError, TelegramUnreachableError) as error:
        return warning(name, f"Telegram's time is not known: {error}", "run doctor again")
    after_s = clock.now_us() / 1e6
    if server_s is None:
        return skipped(name, "the server does not tell its time")
    # The server answered between the two looks at our clock, and its header leaves out the fraction of the second.
    behind_s, ahead_s = server_s - after_s, before_s - (server_s + 1)
    skew_s = max(behind_s, ahead_s)
    if skew_s < SKEW_WARNING_S:
        return ok(name, f"this machine's clock agrees with Telegram's to within {SKEW_WARNING_S} s")
    words = f"this machine's clock is {skew_s:.0f} s {'behind' if behind_s > ahead_s else 'ahead of'} Telegram's"
    advice = "have the machine set its clock by NTP"
    return problem(name, words, advice) if skew_s >= SKEW_PROBLEM_S else warning(name, words, advice)


async def _asked(
    ask: Callable[[], Awaitable[T]], judge: Callable[[T], list[Check]], names: tuple[str, ...]
) -> list[Check]:
    """What the answer means; without one, the first of the checks tells why and the others are skipped."""
    try:
        answer = await ask()
    except (TelegramError, TelegramUnreachableError) as error:
        told = warning(names[0], f"not known: {error}", "run doctor again")
        return [told, *(skipped(name, f"not known, see {names[0]}") for name in names[1:])]
    return judge(answer)


async def _commands(client: BotApiClient) -> list[str]:
    """Names of the commands that somebody sees in their chat with the bot."""
    found = []
    for scope in LISTS:
        listed = await client.call("getMyCommands", {"scope": {"type": scope}})
        if isinstance(listed, list):
            found += [str(_object(command).get("command")) for command in listed]
    return found


def _object(value: JsonValue) -> Mapping[str, JsonValue]:
    return value if isinstance(value, Mapping) else {}


def _and_the_rest(checks: list[Check]) -> list[Check]:
    """The checks, and those after them as skipped."""
    cause = checks[-1].name
    made = {check.name for check in checks}
    return checks + [skipped(name, f"cannot be asked, see {cause}") for name in NAMES if name not in made]

"""Whether the bot may write to those who are to hear of what needs them, asked without writing to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from neonpay.cli.checks.check import Check, ok, skipped, warning
from neonpay.cli.checks.telegram import Line
from neonpay.cli.counted import counted
from neonpay.core.clock import Clock
from neonpay.errors import ConfigurationError
from neonpay.notifications.alert_settings import AlertSettings
from neonpay.notifications.channels import Means
from neonpay.notifications.config import NotificationConfig
from neonpay.notifications.reaching import Unreached, unreached
from neonpay.notifications.settings import config_of
from neonpay.settings import Sources
from neonpay.support.settings import SupportSettings

NAME = "owners.reached"
_MOST_S = 30.0


@dataclass(frozen=True, slots=True)
class Named:
    """Whom the settings name.

    Attributes:
        by_shop: chats that the shop's own bot writes to.
        by_another: those that another bot writes to.
        another: that bot.
    """

    by_shop: tuple[str, ...]
    by_another: tuple[str, ...] = ()
    another: Line | None = None


def named_in_settings(admins: Sequence[int], line: Line) -> Named:
    """Whom ``NEONPAY_ADMINS`` and its neighbours name; what a program says itself is not known here.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    sources = Sources()
    config = config_of(sources, {})
    alerts = sources.settings_of(AlertSettings, "alerts").admins
    support = sources.settings_of(SupportSettings, "support").admins
    chat = () if config.telegram_admin_chat_id is None else (str(config.telegram_admin_chat_id),)
    told = (*chat, *(str(owner) for owner in alerts or admins))
    asked = tuple(str(owner) for owner in support)
    if config.telegram_bot_token is None:
        return Named((*told, *(str(owner) for owner in admins), *asked))
    another = replace(line, token=config.telegram_bot_token, api_url=config.telegram_base_url, test_environment=False)
    return Named(asked, chat or told, another)


async def check_owners(line: Line, admins: Sequence[int], clock: Clock) -> Check:
    """``owners.reached``: a warning and no more, since a shop sells whoever hears of it."""
    try:
        named = named_in_settings(admins, line)
    except ConfigurationError as error:
        return warning(NAME, f"not known: {error}", "mend the setting")
    if not named.by_shop and not named.by_another:
        advice = "set NEONPAY_ADMINS=123456789, or see what the program says of it when it starts"
        return skipped(NAME, "the settings name nobody who is told", advice)
    found = await _asked(line, named.by_shop, clock)
    if named.another is not None:
        found += await _asked(named.another, named.by_another, clock)
    refused = [f"{one.chat} is told nothing: {one.words}" for one in found if one.is_known]
    if refused:
        advice = "have them open the bot in Telegram and press Start; a group or channel has to have the bot in it"
        return warning(NAME, "; ".join(refused), advice)
    if found:
        return warning(NAME, f"not known: {found[0].words}", "run doctor again")
    count = len({*named.by_shop, *named.by_another})
    return ok(NAME, f"the bot may write to {counted(count, 'chat')} that the settings name")


async def _asked(line: Line, chats: Sequence[str], clock: Clock) -> list[Unreached]:
    if not chats:
        return []
    try:
        client = line.client(test_environment=line.test_environment)
    except ConfigurationError as error:
        return [Unreached(chat, str(error), is_known=False) for chat in chats]
    async with client:
        config = NotificationConfig(timeout_s=min(line.timeout_s, _MOST_S))
        return await unreached(Means(config, clock, call=client.call), chats)

"""Whether buyers find the commands that Telegram asks of a bot that sells."""

from __future__ import annotations

from collections.abc import Collection

from neonpay.cli.checks.check import Check, ok, warning

LISTS = ("default", "all_private_chats")
"""The lists of commands, by the type of their scope, that hold for a private chat with anybody."""
ASKED_FOR = ("paysupport", "terms")
"""https://core.telegram.org/bots/payments-stars (read 2026-11-20): a seller answers /paysupport, and terms are easy to find."""


def commands_check(listed: Collection[str]) -> Check:
    """``bot.commands``: a warning and no more, since a command may be answered without being listed."""
    missing = [f"/{name}" for name in ASKED_FOR if name not in listed]
    if not missing:
        return ok("bot.commands", f"the bot lists {' and '.join(f'/{name}' for name in ASKED_FOR)}")
    return warning(
        "bot.commands",
        f"the bot's list of commands lacks {' and '.join(missing)}; it may answer them all the same",
        "call neonpay.enable_support(), which answers them, and list them with setMyCommands or in @BotFather",
    )

"""A local Telegram for Stars payments: try any bot without a token, without Telegram and without a Star.

::

    async with Simulator(seed=7) as telegram:
        shop = telegram.bot("shop_bot")              # give a bot shop.token and telegram.base_url
        ann = telegram.user("Ann", stars=500)
        await ann.says("/start", to=shop)
        invoice = await ann.hears(shop)
        outcome = await ann.pays(invoice)

It answers what it simulates as Telegram does and refuses everything else with 501. It knows nothing of the rest of neonpay, so
that any bot can be pointed at it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from neonpay.simulator.chats.accounts import BotAccount
    from neonpay.simulator.chats.groups import ForumTopic, Group
    from neonpay.simulator.clock import RunningClock, SteppedClock
    from neonpay.simulator.faults import Faults
    from neonpay.simulator.inline import InlineAnswer
    from neonpay.simulator.journal import Call
    from neonpay.simulator.money.business import BusinessConnection
    from neonpay.simulator.money.checkout import Checkout, InvoiceForm, Outcome
    from neonpay.simulator.money.presses import Pressed
    from neonpay.simulator.money.subscriptions import Subscription
    from neonpay.simulator.money.till import Payment, Transaction
    from neonpay.simulator.people.buyers import Buyer
    from neonpay.simulator.people.treasury import Treasury, Withdrawal
    from neonpay.simulator.simulator import Simulator
    from neonpay.simulator.updates.queue import QueuedUpdate

__all__ = [
    "BotAccount",
    "BusinessConnection",
    "Buyer",
    "Call",
    "Checkout",
    "Faults",
    "ForumTopic",
    "Group",
    "InlineAnswer",
    "InvoiceForm",
    "Outcome",
    "Payment",
    "Pressed",
    "QueuedUpdate",
    "RunningClock",
    "Simulator",
    "SteppedClock",
    "Subscription",
    "Transaction",
    "Treasury",
    "Withdrawal",
]

_HOMES: Final = {
    "BotAccount": "chats.accounts",
    "BusinessConnection": "money.business",
    "Buyer": "people.buyers",
    "Call": "journal",
    "Checkout": "money.checkout",
    "Faults": "faults",
    "ForumTopic": "chats.groups",
    "Group": "chats.groups",
    "InlineAnswer": "inline",
    "InvoiceForm": "money.checkout",
    "Outcome": "money.checkout",
    "Payment": "money.till",
    "Pressed": "money.presses",
    "QueuedUpdate": "updates.queue",
    "RunningClock": "clock",
    "Simulator": "simulator",
    "SteppedClock": "clock",
    "Subscription": "money.subscriptions",
    "Transaction": "money.till",
    "Treasury": "people.treasury",
    "Withdrawal": "people.treasury",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("neonpay"):
            raise
        from neonpay.installing import install_line

        raise ImportError(
            f"neonpay.simulator needs {error.name!r}, which is not installed; run: {install_line('simulator')}"
        ) from error


def __dir__() -> list[str]:
    return sorted(__all__)

"""What comes round in a shop: one worker of a bot at a time does each, every so often.

Extensions add theirs in ``Extension.periodic``: analytics, backup, collection, notifications and tracking have some.
"""

from __future__ import annotations

from collections.abc import Sequence

from neonpay.books.sealing import Sealer
from neonpay.payments.consumers.fan_out import FanOut
from neonpay.payments.invoices.endings import Endings
from neonpay.payments.own_name import OwnName
from neonpay.payments.subscription_ends import SubscriptionEnds
from neonpay.reconcile.reconciler import RECONCILE, Reconciler
from neonpay.store.periodic import PeriodicTask


def periodic_tasks(
    *,
    reconciler: Reconciler,
    reconcile_every_s: float | None,
    sealer: Sealer,
    fan_out: FanOut,
    endings: Endings,
    subscription_ends: SubscriptionEnds,
    own_name: OwnName,
) -> Sequence[PeriodicTask]:
    """The tasks of one bot; with the settings as they are by default, how often each is done stands beside it."""
    tasks = [
        sealer.task,  # every 30 s: events get their numbers, and the journal its seals
        fan_out.task,  # every minute: who was declared since gets the jobs that it lacks; who is gone is told
        *endings.tasks,  # every minute, invoices that have expired; every ten minutes, those that nobody paid for a day
        subscription_ends.task,  # every ten minutes: whose paid period is over without another
    ]
    if reconcile_every_s is not None:
        # Every ten minutes, and at the start: Telegram's list of transactions is compared with the ledger. Once a day the bot's
        # name is kept by the way.
        tasks.append(PeriodicTask(RECONCILE, reconcile_every_s, own_name.after(reconciler.work), at_start=True))
    return tasks

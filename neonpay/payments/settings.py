"""How the pipeline of one bot behaves."""

from __future__ import annotations

from dataclasses import dataclass, field

from neonpay.core.checkout import CHECKOUT_BUDGET_S
from neonpay.core.limits import MESSAGES_PER_S
from neonpay.core.roles import Role
from neonpay.payments.invoices.endings import ABANDONED_AFTER_S
from neonpay.payments.jobs import LEASE_S
from neonpay.reconcile.reconciler import ReconcileRules

PATIENCE_S = 40.0
"""How long a charge is tried again while the database is locked, full or away: less than the 55 seconds after which aiogram
answers a webhook whatever has happened, so that Telegram is told and delivers again."""
POLL_S = 1.0
GRACE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a program says about itself.

    Attributes:
        thank_you_message: text that the buyer gets after a payment, or None.
        secrets: signing keys that the program gives, newest first; the ledger's own keys go on verifying.
        checkout_budget_s: time for a pre-checkout answer.
        lease_s: how long a worker may be silent before its jobs are taken over.
        patience_s: how long a charge is tried again while the database cannot take it.
        poll_s: longest pause between two looks for due jobs.
        grace_s: how long a stop waits for running handlers.
        most_running: handlers that run at the same time in this process.
        reconcile: how the ledger is compared with Telegram's list of transactions.
        messages_per_s: messages a second to all chats; None leaves the pace to Telegram's refusals.
        abandoned_after_s: how long an invoice waits for its payment before it counts as abandoned; None for ever.
        keeps_names: whether names and usernames that updates tell are kept, for people who look for somebody.
        role: what this program does in its shop.
        is_tool: whether this program works on the ledger of a bot that runs elsewhere: it leaves every job to the bot, takes
            no turns at periodic tasks, and neither makes nor upgrades a ledger.
    """

    thank_you_message: str | None = None
    secrets: tuple[bytes, ...] = field(default=(), repr=False)
    checkout_budget_s: float = CHECKOUT_BUDGET_S
    lease_s: float = LEASE_S
    poll_s: float = POLL_S
    patience_s: float = PATIENCE_S
    grace_s: float = GRACE_S
    most_running: int = 256
    reconcile: ReconcileRules = field(default_factory=ReconcileRules)
    messages_per_s: float | None = MESSAGES_PER_S
    abandoned_after_s: float | None = ABANDONED_AFTER_S
    keeps_names: bool = True
    role: Role = Role.DELIVERS
    is_tool: bool = False

    @property
    def runs_as(self) -> Role:
        """What the program does in its shop; a tool runs no handler."""
        return Role.OFFERS if self.is_tool and self.role is Role.DELIVERS else self.role

    @property
    def takes_up_work(self) -> bool:
        """Whether it looks for jobs and takes turns at periodic tasks."""
        return not self.is_tool and self.role is not Role.READS

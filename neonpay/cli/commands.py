"""The commands of ``neonpay`` itself: one row each, which says where the command is and what a list says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class CommandRow:
    """One command.

    Attributes:
        name: what is typed after ``neonpay``.
        target: import string of a function, or of a ``typer.Typer`` with commands of its own.
        help: the first line of its help.
    """

    name: str
    target: str
    help: str


COMMANDS: Final = (
    CommandRow(
        "simulate",
        "neonpay.cli.simulate:simulate",
        "Run a local Telegram: point a bot at it, and play its buyers on a page in the browser or over HTTP.",
    ),
    CommandRow(
        "demo",
        "neonpay.cli.demo.command:demo",
        "Watch a shop sell to buyers, be killed, and lose nothing; no token, no Telegram. "
        "Exit code 1 if it did lose something.",
    ),
    CommandRow(
        "doctor",
        "neonpay.cli.doctor:doctor",
        "Look at libraries, token, updates, database and secrets, and say what keeps the bot from selling. Changes nothing.",
    ),
    CommandRow(
        "payments",
        "neonpay.cli.payments:payments",
        "Find payments, and decide about those that wait for somebody.",
    ),
    CommandRow("invoices", "neonpay.cli.invoices:invoices", "What was offered to whom, and what became of it."),
    CommandRow("requests", "neonpay.cli.requests:requests", "Buyers who want their Stars back: find them, and decide."),
    CommandRow(
        "subscriptions",
        "neonpay.cli.subscriptions:subscriptions",
        "Who pays every month, and until when; and ending that.",
    ),
    CommandRow("people", "neonpay.cli.people:people", "What is kept about one person: give it out, or remove it."),
    CommandRow("handlers", "neonpay.cli.handlers:handlers", "Who delivers in the shop, over all of its programs."),
    CommandRow(
        "verify",
        "neonpay.cli.verify:verify",
        "Prove that the books add up and that nobody has changed them. Exit code 1 if they do not.",
    ),
    CommandRow(
        "reconcile",
        "neonpay.cli.reconcile:reconcile",
        "Compare the ledger with Telegram's list of transactions and the balance, and record what is missing.",
    ),
    CommandRow(
        "revenue",
        "neonpay.cli.revenue:revenue",
        "Show what was sold and what of it went back, with the period before; all bots of the ledger when it has several.",
    ),
    CommandRow(
        "report",
        "neonpay.cli.report:report",
        "Tell how a period went: what was sold and went back, to how many people, and whether the books and Telegram agree.",
    ),
    CommandRow(
        "analytics",
        "neonpay.cli.analytics:analytics",
        "Show what was sold, how many of those who came have bought, and how each product does; all bots of the ledger.",
    ),
    CommandRow(
        "multi-analytics",
        "neonpay.cli.multi_analytics:multi_analytics",
        "How all bots of a ledger do together, and each of them.",
    ),
    CommandRow(
        "export",
        "neonpay.cli.export:export",
        "Write payments, refunds, the journal or its days, oldest first, with columns that stay.",
    ),
    CommandRow(
        "move",
        "neonpay.cli.move:move",
        "Copy a ledger from SQLite to PostgreSQL or back, and keep the copy only when nothing differs.",
    ),
    CommandRow(
        "dashboard",
        "neonpay.cli.dashboard:dashboard",
        "Serve the dashboard of a shop, and say who may enter it.",
    ),
    CommandRow(
        "listen",
        "neonpay.cli.listen:listen",
        "Post what happens from now on to a program that you write, signed as a webhook, until Ctrl-C; for development.",
    ),
    CommandRow(
        "monitoring", "neonpay.cli.monitoring:monitoring", "Alert rules for Prometheus and a board for Grafana."
    ),
    CommandRow(
        "extensions",
        "neonpay.cli.extensions:extensions",
        "List the extensions that are installed, what each brings, and whether it can be loaded.",
    ),
)

"""What commands show on terminals of 80 and 120 columns, as files in ``screens``.

``NEONPAY_WRITE_SCREENS=1 pytest tests/integration/cli -k screens`` writes them anew; look at them before you commit them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from neonpay.cli.main import app
from neonpay.cli.sheets import print_facts
from tests.integration.cli.terminal import compare, screen, terminal

if TYPE_CHECKING:
    from tests.integration.cli.busy import Busy

COMMANDS = {
    "payments": ("payments", "list"),
    "payments_of_one_bot": ("payments", "list", "--bot-id", "{bot}"),
    "payments_first_two": ("payments", "list", "--limit", "2"),
    "payment_dead": ("payments", "show", "{dead}"),
    "payment_refunded": ("payments", "show", "{refunded}"),
    "invoices": ("invoices", "list", "--until", "2026-09-21T14:17"),
    "invoices_long_stage": ("invoices", "list", "--stage", "season-ticket-for-the-whole-family-2125"),
    "invoices_first_two": ("invoices", "list", "--limit", "2", "--bot-id", "{bot}"),
    "requests": ("requests", "list"),
    "request": ("requests", "show", "{dead}"),
    "subscriptions": ("subscriptions", "list"),
    "handlers": ("handlers", "list"),
    "revenue": ("revenue", "--since", "2125-11-26", "--until", "2125-11-30", "--split", "stage"),
    "revenue_hours": (
        "revenue",
        "--by",
        "hour",
        "--since",
        "2125-11-28T10:00",
        "--until",
        "2125-11-28T13:00",
        "--split",
        "bot",
    ),
    "report": ("report", "--since", "2125-11-01", "--until", "2125-12-01"),
    "analytics": ("analytics", "--period", "7days", "--until", "2125-11-30"),
    "analytics_summary": ("analytics", "--summary", "--until", "2125-11-30", "--bot-id", "{bot}"),
    "multi_analytics_network": ("multi-analytics", "network", "--until", "2125-11-30"),
    "multi_analytics_bot": ("multi-analytics", "bot", "{bot}", "--period", "90days", "--until", "2125-11-30"),
    "multi_analytics_status": ("multi-analytics", "status"),
    "verify": ("verify", "--bot-id", "{bot}"),
}
_VARIES = (
    (r"(last seen) \d{4}-\d\d-\d\d \d\d:\d\d", r"\1 2125-11-28 10:41"),  # by the clock of the database
    (r"(?m)^(seals +).*$", r"\g<1>1 over 10 rows, 8 rows not sealed yet"),
    (r"(?m)^(head +).*$", r"\g<1>5d1c"),
    (r"(?m)(\d×  )[\w-]+…?$", r"\1AaIhb0RLc…"),
    (r"(?m)^(invoice_id +).*$", r"\g<1>AaIhb0RLcamF0OsKTd47pQ"),
)
"""What is another time or another random id in each run."""


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", COMMANDS)
async def test_a_terminal_shows_what_fits(busy: Busy, name: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    words = {"bot": str(busy.bot_id), **{name: charge_id[:12] for name, charge_id in busy.charges.items()}}
    arguments = [argument.format(**words) for argument in COMMANDS[name]]
    shown = await screen(monkeypatch, *arguments, columns=columns, NEONPAY_DATABASE_URL=busy.url)
    for number, request_id in enumerate(busy.requests.values(), start=1):
        stable = f"request-{number}-AaIhb0Sbcc"[: len(request_id)].ljust(len(request_id), "x")
        for chars in range(len(request_id), 11, -1):
            shown = shown.replace(request_id[:chars], stable[:chars])
    for pattern, instead in _VARIES:
        shown = re.sub(pattern, instead, shown)
    compare(name, columns, shown)


def test_what_is_to_be_copied_is_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    head = "5d" * 32
    with terminal(monkeypatch, 80) as shown:
        print_facts({"journal entries": "9", "head": head}, whole=("head",))
    assert head in shown.getvalue()


def test_no_line_is_cut_in_a_pipe(busy: Busy, capsys: pytest.CaptureFixture[str]) -> None:
    app(["payments", "list", "--database", busy.url], standalone_mode=False)
    shown = capsys.readouterr().out
    assert "…" not in shown
    assert all(charge_id in shown for charge_id in busy.charges.values())
    assert len(shown.splitlines()) == len(busy.charges) + 3, "a row is one line, with its reason beside it"

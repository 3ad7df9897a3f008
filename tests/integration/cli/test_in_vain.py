"""Commands that name what is not there change nothing, and say what there is before they ask for a bot or its token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from neonpay.cli.main import app

if TYPE_CHECKING:
    from tests.integration.cli.busy import Busy


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("subscriptions cancel nope", "no subscription with charge id 'nope' in the ledger; active: {member}…"),
        ("subscriptions allow nope", "no subscription with charge id 'nope' in the ledger; canceled: {leaver}…"),
        (
            "subscriptions cancel {kept}",
            "{kept}… is no payment of a subscription, and nothing was changed; active: {member}…",
        ),
        ("subscriptions cancel {leaver}", "is canceled already, and nothing was changed; active: {member}…"),
        ("subscriptions allow {member}", "is active already, and nothing was changed; canceled: {leaver}…"),
        ("payments show nope", "no payment with charge id 'nope' in the ledger; the newest: "),
        ("payments retry nope", "no payment with charge id 'nope' in the ledger; the newest: "),
        ("payments refund nope", "no payment with charge id 'nope' in the ledger; the newest: "),
        ("requests approve nope", "no request 'nope' in the ledger; open: {request}"),
        (
            "handlers retire nope",
            "no handler 'nope' was ever declared; there are: handler:book_seats, handler:deliver, ",
        ),
        ("handlers rename deliver nope", "no handler 'nope' was ever declared; there are: handler:book_seats, "),
        ("people erase @nope", "nobody was seen with the username @nope"),
        ("dashboard remove nope", "there is no account 'nope'; there are: none"),
    ],
)
def test_what_is_not_there_is_said_before_anything_is_asked_for(busy: Busy, typed: str, told: str) -> None:
    words = {name: charge_id[:12] for name, charge_id in busy.charges.items()} | {"request": busy.requests["dead"][:12]}
    environment = {"NEONPAY_DATABASE_URL": busy.url, "NEONPAY_BOT_TOKEN": None, "NEONPAY_BOT_ID": None}
    result = CliRunner().invoke(app, typed.format(**words).split(), env=environment)
    assert (result.exit_code, result.stdout) == (3, "")
    assert told.format(**words) in result.stderr


def test_a_list_of_nothing_says_what_could_be_asked_for(busy: Busy) -> None:
    result = CliRunner().invoke(app, ["subscriptions", "list", "--stage", "nope", "--database", busy.url])
    offered = "club, coffee, gems, poster, season-ticket-for-the-whole-family-2125, vip"
    assert result.stdout == f"No such subscriptions. Stages that were offered: {offered}.\n"

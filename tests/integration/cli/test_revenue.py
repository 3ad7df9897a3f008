"""``neonpay revenue`` and ``neonpay report``: figures of the ledger, beside a running bot and without it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay.cli.bars import bar, sparkline
from neonpay.cli.spans import now
from neonpay.ledger import Transaction, open_ledger
from neonpay.ledger.tables import payments, refunds
from tests.integration.cli.conftest import Command
from tests.integration.cli.terminal import screen

if TYPE_CHECKING:
    from tests.integration.conftest import Shop

SINCE = ("--since", "2126-03-30", "--until", "2126-04-02")
PAID = datetime(2126, 3, 27, tzinfo=UTC)


async def sold_at(url: str, charges: dict[str, str], days: dict[str, float]) -> None:
    """Say of payments that they were paid, and if they went back refunded, so many days after ``PAID``."""

    def unit(transaction: Transaction) -> None:
        for name, after in days.items():
            at = PAID + timedelta(days=after)
            transaction.connection.execute(
                sa.update(payments).where(payments.c.charge_id == charges[name]).values(paid_at=at)
            )
            transaction.connection.execute(
                sa.update(refunds)
                .where(refunds.c.charge_id == charges[name])
                .values(finished_at=at + timedelta(days=1))
            )

    ledger = open_ledger(url)
    await ledger.run(unit)
    await ledger.close()


@pytest.fixture
async def sold(neonpay: Command, database_url: str) -> Command:
    """Two payments on the first day, of which one went back on the second; one on the third; one the day before."""
    days = {"kept": 3.2, "refunded": 3.9, "waiting": 5.5, "returned": 2.5}
    await sold_at(database_url, neonpay.charges, days)
    return neonpay


async def test_a_late_refund_lowers_the_day_of_its_payment_and_is_told_apart(sold: Command) -> None:
    found = await sold.json("revenue", *SINCE)
    assert [(p["since"][:10], p["orders"], p["gross_stars"], p["net_stars"]) for p in found["points"]] == [
        ("2126-03-30", 2, 100, 50),
        ("2126-03-31", 0, 0, 0),
        ("2126-04-01", 1, 50, 50),
    ]
    assert [point["refunded_stars"] for point in found["points"]] == [50, 50, 0]
    assert (found["total"]["net_stars"], found["refunded_stars"]) == (100, 100)
    assert (found["before"]["since"][:10], found["before"]["orders"], found["before"]["net_stars"]) == (
        "2126-03-27",
        1,
        0,
    )


async def test_days_are_those_of_the_zone(sold: Command) -> None:
    found = await sold.json("revenue", "--zone", "Pacific/Kiritimati", *SINCE)
    assert found["points"][0]["since"] == "2126-03-30T00:00:00+14:00"
    assert [point["orders"] for point in found["points"]] == [2, 1, 0], (
        "what was paid at 21:36 UTC was paid on the next day, and at 12:00 on the day before on this one"
    )


async def test_months_are_compared_with_the_months_before(sold: Command) -> None:
    found = await sold.json("revenue", "--by", "month", "--since", "2126-03", "--until", "2126-04")
    assert [(one["since"][:10], one["until"][:10]) for one in (found["points"][0], found["before"])] == [
        ("2126-03-01", "2126-04-01"),
        ("2126-02-01", "2126-03-01"),
    ]


async def test_revenue_is_taken_apart_by_stage_and_language(sold: Command) -> None:
    by_stage = await sold.json("revenue", "--split", "stage", *SINCE)
    assert {one["key"]: (one["gross_stars"], one["net_stars"]) for one in by_stage["shares"]} == {
        "vip": (100, 50),
        "poster": (50, 50),
    }
    by_language = await sold.json("revenue", "--split", "language", *SINCE)
    assert {one["key"]: one["gross_stars"] for one in by_language["shares"]} == {"en": 150}


async def test_a_pipe_gets_no_bars_and_a_terminal_does(
    sold: Command, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    piped = (await sold("revenue", "--split", "stage", *SINCE)).stdout
    shown = await screen(
        monkeypatch, "revenue", "--split", "stage", *SINCE, columns=100, NEONPAY_DATABASE_URL=database_url
    )
    assert not set(piped) & set("█▏▎▍▌▋▊▉▁▂▃▄▅▆▇")
    assert "█" in shown
    assert "█··" in shown, "the sparkline of a stage, with a dot for a day without a sale"
    assert "2126-03-30 Sat       2    100        −50   50" in shown


async def test_a_week_that_the_time_cuts_is_a_part_and_not_unfinished(neonpay: Command, database_url: str) -> None:
    # 21 April 2026, a Tuesday
    await sold_at(database_url, neonpay.charges, {"kept": -36_499.0})
    said = await neonpay("revenue", "--by", "week", "--since", "2026-04-21", "--until", "2026-04-30")
    assert said.output.count("(in part)") == 2
    assert "so far" not in said.output
    said = await neonpay("revenue", "--by", "year", "--since", "2026-04-21")
    assert said.output.count("(in part)") == (now().year > 2026)
    assert said.output.count("(so far)") == 1


async def test_on_a_terminal_the_day_that_is_not_over_has_a_light_bar(
    neonpay: Command, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = (now() - PAID) / timedelta(days=1)
    await sold_at(database_url, neonpay.charges, {"kept": today, "waiting": today - 1})
    shown = await screen(monkeypatch, "revenue", columns=120, NEONPAY_DATABASE_URL=database_url)
    before, last = shown.split("total")[0].splitlines()[-2:]
    assert "█" in before
    assert "░" in last


async def test_figures_are_read_beside_a_running_bot(shop: Shop, database_url: str) -> None:
    shop.neonpay.on_payment(name="deliver")(lambda: None)
    async with shop.polling():
        await shop.delivers(await shop.sells(await shop.visitor()))
        found = await Command(shop, database_url, {}).json(
            "revenue", "--by", "year", "--since", "2020", "--until", "2130"
        )
    assert found["total"]["net_stars"] == 50


async def test_a_report_says_in_words_how_a_period_went(sold: Command) -> None:
    told = (await sold("report", *SINCE)).stdout
    assert "100 Stars net, from 3 orders of 1 person." in told
    assert "refund rate           33.3%" in told
    assert "never compared; neonpay reconcile does it" in told
    assert "Waits for somebody: 1 payment to decide on." in told
    found = await sold.json("report", *SINCE)
    assert (found["net_stars"], found["median_stars"], found["customers"], found["gap_stars"]) == (100, 50, 1, None)
    assert found["waiting"]["undecided"] == 1


@pytest.mark.parametrize("command", ["revenue", "report"])
async def test_a_time_in_which_nothing_was_sold_is_no_error(sold: Command, command: str) -> None:
    told = await sold(command, "--since", "2019-01", "--until", "2019-02")
    assert told.exit_code == 0
    assert "othing was sold" in told.stdout
    assert "The period before (2018-12-01 – 2018-12-31 UTC) sold nothing." in told.stdout


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (("--zone", "Mars/Base"), "Europe/Berlin"),
        (("--since", "2026-11", "--until", "2026-11"), "name a later one"),
        (("--since", "2026-11", "--until", "2026-10"), "until"),
        (("--by", "hour", "--since", "2000"), "a larger bucket"),
        (("--bot-id", "5"), "does not have bot 5"),
    ],
)
async def test_what_cannot_be_told_is_said_in_one_line(sold: Command, typed: tuple[str, ...], words: str) -> None:
    told = await sold("revenue", *typed)
    assert (told.exit_code, len(told.stderr.splitlines())) == (3, 1)
    assert words in told.stderr


def test_a_bar_begins_at_zero_and_says_what_is_unfinished() -> None:
    assert [bar(value, 16, 2) for value in (0, 1, 8, 12, 16, -5)] == ["", "▏", "█", "█▌", "██", "−"]
    assert bar(8, 16, 4, is_complete=False) == "░░"


@pytest.mark.parametrize(
    ("values", "width", "line"), [([0, 1, 8], 3, "·▂█"), ([1, 1, 0, 4], 2, "▅█"), ([], 5, ""), ([0], 5, "·")]
)
def test_a_sparkline_has_a_place_for_each_value_or_for_a_few_of_them(values: list[int], width: int, line: str) -> None:
    assert sparkline(values, width) == line


@pytest.mark.parametrize("command", ["revenue", "report", "analytics", "multi-analytics network"])
@pytest.mark.parametrize("at", ["0001-01-01", "9999-12-31T23:59:59"])
async def test_an_end_of_the_calendar_is_refused_in_one_line(neonpay: Command, command: str, at: str) -> None:
    options = ("--until",) if "analytics" in command else ("--since", "--until")
    for option in options:
        for zone in ("UTC", "Asia/Tokyo", "America/New_York"):
            told = await neonpay(*command.split(), option, at, "--zone", zone)
            assert (told.exit_code, told.stderr.count("\n")) == (3, 1), told.stderr
            assert "must be a time of the years 1000 to 3000" in told.stderr


@pytest.mark.parametrize("stage", ["\ud800", "a\0b", "x" * 5_000])
async def test_a_stage_that_no_database_can_have_is_one_that_is_not_there(neonpay: Command, stage: str) -> None:
    for command in (("revenue",), ("payments", "list"), ("invoices", "list")):
        told = await neonpay(*command, "--stage", stage)
        assert told.exit_code == 0, told.exception
        assert told.exception is None


@pytest.mark.parametrize("command", ["payments", "invoices", "subscriptions", "requests"])
async def test_a_number_that_no_database_has_room_for_is_refused(neonpay: Command, command: str) -> None:
    assert (await neonpay(command, "list", "--limit", str(2**31 - 1))).exit_code == 0
    told = await neonpay(command, "list", "--limit", "9" * 30)
    assert (told.exit_code, "Invalid value for '--limit'" in told.stderr) == (2, True), told.stderr
    if command == "payments":
        told = await neonpay(command, "list", "--user", "9" * 30)
        assert (told.exit_code, "is no user" in told.stderr) == (2, True), told.stderr

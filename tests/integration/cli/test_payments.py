"""``neonpay payments``: find payments, and decide about those that wait."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from neonpay import PaymentResult

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.cli.conftest import Command
    from tests.integration.conftest import Shop


async def charges_of(neonpay: Command, *options: str) -> list[str]:
    """Names of the payments that a list has, newest first."""
    names = {charge_id: name for name, charge_id in neonpay.charges.items()}
    return [names[payment["charge_id"]] for payment in await neonpay.json("payments", "list", *options)]


async def test_payments_are_listed_by_what_they_have_in_common(neonpay: Command) -> None:
    everything = {"kept", "refunded", "waiting", "returned"}
    assert set(await charges_of(neonpay)) == everything
    assert set(await charges_of(neonpay, "--stage", "poster")) == {"waiting", "returned"}
    assert await charges_of(neonpay, "--needs-attention") == ["waiting"]
    assert await charges_of(neonpay, "--state", "accepted") == ["kept"]
    assert set(await charges_of(neonpay, "--refund", "refunded")) == {"refunded", "returned"}
    assert await charges_of(neonpay, "--refund", "unknown") == []
    assert await charges_of(neonpay, "--dead-letters") == []
    assert await charges_of(neonpay, "--user", "1") == []
    assert len(await charges_of(neonpay, "--limit", "2")) == 2
    paid_at = (await neonpay.json("payments", "list", "--limit", "1"))[0]["paid_at"][:10]
    assert set(await charges_of(neonpay, "--since", paid_at)) == everything
    assert await charges_of(neonpay, "--until", paid_at) == []


async def test_a_list_is_a_table_for_people(neonpay: Command) -> None:
    listed = await neonpay("payments", "list", "--needs-attention")
    assert listed.exit_code == 0
    assert "attention" in listed.stdout
    assert "no_handler" in listed.stdout
    assert neonpay.charges["waiting"] in listed.stdout, "nothing is cut off in a pipe"
    assert listed.stdout.endswith("\n1 payment\n")
    assert (await neonpay("payments", "list", "--limit", "3")).stdout.endswith("\nPayments: 3 of 4\n")
    none = await neonpay("payments", "list", "--user", "1")
    assert none.stdout == "No such payments. Stages that were offered: poster, vip.\n"


async def test_dead_letters_are_found_and_retried(open_shop: Callable[..., Shop], neonpay: Command) -> None:
    shop = open_shop()

    @shop.neonpay.on_payment(stage="vip", name="deliver", max_attempts=1)
    async def fail() -> None:
        raise RuntimeError("no more stock")

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor("Bob"))
        await shop.fact("fulfilment_abandoned")
    charge_id = outcome.charge_id or ""
    neonpay.charges["broken"] = charge_id
    assert await charges_of(neonpay, "--dead-letters") == ["broken"]
    shown = await neonpay("payments", "show", charge_id[:20])
    assert "no more stock" in shown.stdout
    revived = await neonpay("payments", "retry", charge_id[:20], "--handler", "deliver")
    assert revived.stdout == "1 job is due now; the bot runs what is due.\n"
    (job,) = (await neonpay.json("payments", "show", charge_id))["jobs"]
    assert (job["state"], job["attempts"]) == ("ready", 0)
    nobody = await neonpay("payments", "retry", charge_id, "--handler", "other")
    assert nobody.exit_code == 3
    assert "has no unfinished job of 'other', and nothing was changed; its jobs: deliver ready" in nobody.stderr


async def test_one_payment_is_shown_whole(neonpay: Command) -> None:
    shown = await neonpay.json("payments", "show", neonpay.charges["refunded"])
    assert (shown["state"], shown["amount_stars"], shown["metadata"]) == ("refunded", 50, {"days": 30})
    assert (shown["refund"]["state"], shown["refund"]["reason"]) == ("refunded", "asked for")
    assert "deliver" in {job["job"].rpartition(":")[2] for job in shown["jobs"]}
    people = (await neonpay("payments", "show", neonpay.charges["refunded"])).stdout
    assert "asked for" in people
    assert "payload" not in people


@pytest.mark.parametrize("command", ["show", "retry", "accept", "refund"])
async def test_a_payment_is_named_by_a_beginning_that_it_alone_has(neonpay: Command, command: str) -> None:
    several = await neonpay("payments", command, "st")
    nobody = await neonpay("payments", command, "stx-none")
    assert (several.exit_code, nobody.exit_code) == (3, 3)
    assert several.stderr.startswith("neonpay: more than one charge id begins with 'st'; give more of it: stx")
    assert nobody.stderr.startswith("neonpay: no payment with charge id 'stx-none' in the ledger; the newest: stx")
    assert all(f"{charge_id[:12]}…" in several.stderr for charge_id in neonpay.charges.values())


async def test_an_id_may_be_typed_as_it_was_shown(neonpay: Command) -> None:
    shown = await neonpay.json("payments", "show", f"{neonpay.charges['kept'][:12]}…")
    assert shown["charge_id"] == neonpay.charges["kept"]


@pytest.mark.parametrize("name", ["kept", "refunded"])
async def test_what_is_decided_is_not_accepted_again(neonpay: Command, name: str) -> None:
    refused = await neonpay("payments", "accept", neonpay.charges[name])
    assert (refused.exit_code, refused.stdout) == (3, "")
    assert "already, and nothing was changed; what needs attention: " in refused.stderr
    assert neonpay.charges["waiting"][:12] in refused.stderr


async def test_what_is_done_is_not_retried(neonpay: Command) -> None:
    for options in ((), ("--handler", "deliver"), ("--handler", "nope")):
        refused = await neonpay("payments", "retry", neonpay.charges["kept"], *options)
        assert (refused.exit_code, refused.stdout) == (3, "")
        assert "nothing was changed; its jobs: deliver done" in refused.stderr


async def test_a_refund_that_is_written_down_is_not_written_again(neonpay: Command) -> None:
    left = await neonpay.json("payments", "refund", neonpay.charges["kept"], "--yes")
    assert left["state"] == "intended"
    again = await neonpay("payments", "refund", neonpay.charges["kept"], "--yes")
    assert (again.exit_code, "is written down already" in again.stderr) == (3, True)
    assert "--token-file" in again.stderr
    held = await neonpay("payments", "list", "--stage", "vip", "--state", "accepted")
    assert "delivered" in held.stdout, "what is delivered stays so until the Stars are back"


async def test_a_name_that_nobody_has_is_told(neonpay: Command) -> None:
    refused = await neonpay("payments", "list", "--user", "@nobody_at_all")
    assert refused.exit_code == 3
    assert "nobody_at_all" in refused.stderr


async def test_a_payment_that_is_accepted_is_delivered_by_the_bot(
    open_shop: Callable[..., Shop], neonpay: Command
) -> None:
    nobody = await neonpay("payments", "accept", neonpay.charges["waiting"])
    assert nobody.exit_code == 3
    assert "no handler of this shop takes payments of stage 'poster'" in nobody.stderr

    shop = open_shop(clock=None)  # the clock of the command
    delivered: list[str | None] = []

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None:
        delivered.append(result.transaction_id)

    async with shop.polling():
        accepted = await neonpay("payments", "accept", neonpay.charges["waiting"])
        assert accepted.exit_code == 0
        assert "the bot delivers it" in accepted.stdout
        assert await charges_of(neonpay, "--needs-attention") == []
        async with asyncio.timeout(100):
            while not delivered:
                await shop.neonpay.jobs.of(neonpay.charges["waiting"])
        assert (await shop.neonpay.books.verify()).is_clean
    assert delivered == [neonpay.charges["waiting"]]


async def test_a_payment_that_waits_is_not_retried(neonpay: Command) -> None:
    refused = await neonpay("payments", "retry", neonpay.charges["waiting"])
    assert refused.exit_code == 3
    assert "accept or refund" in refused.stderr


async def test_a_refund_without_a_token_is_left_to_the_bot(open_shop: Callable[..., Shop], neonpay: Command) -> None:
    left = await neonpay("payments", "refund", neonpay.charges["kept"], "--reason", "broken", "--yes")
    assert left.exit_code == 0
    assert "the bot makes it" in left.stdout
    refund = (await neonpay.json("payments", "show", neonpay.charges["kept"]))["refund"]
    assert (refund["state"], refund["reason"]) == ("intended", "broken")
    assert refund["requested_by"].endswith("by command")

    shop = open_shop(clock=None)  # the clock of the command
    async with shop.polling():
        await shop.fact("payment_refunded")
        assert (await shop.neonpay.payments.get(neonpay.charges["kept"])).state == "refunded"
        assert (await shop.neonpay.books.verify()).is_clean


async def test_a_refund_with_a_token_is_made_at_once(neonpay: Command) -> None:
    arguments = ("payments", "refund", neonpay.charges["kept"], "--yes", "--api-url", neonpay.shop.telegram.base_url)
    made = await neonpay(*arguments, **neonpay.with_token)
    assert made.stdout.startswith("50 Stars are back with user ")
    assert made.exit_code == 0
    assert (await neonpay.json("payments", "show", neonpay.charges["kept"]))["state"] == "refunded"
    again = await neonpay(*arguments, **neonpay.with_token)
    assert (again.exit_code, again.stdout) == (3, "")
    assert "already, and nothing was changed" in again.stderr
    assert (await neonpay("verify")).exit_code == 0


async def test_a_refund_that_telegram_refuses_is_told(neonpay: Command) -> None:
    telegram = neonpay.shop.telegram
    telegram.faults.fail("refundStarPayment", error_code=400, description="Bad Request: CHARGE_NOT_FOUND")
    arguments = ("payments", "refund", neonpay.charges["kept"], "--yes", "--api-url", telegram.base_url)
    refused = await neonpay(*arguments, **neonpay.with_token)
    assert refused.exit_code == 1
    assert "CHARGE_NOT_FOUND" in refused.stderr
    assert neonpay.shop.account.token not in refused.output


async def test_a_person_is_asked_before_stars_go_back(neonpay: Command) -> None:
    asked = await neonpay("payments", "refund", neonpay.charges["kept"])
    assert asked.exit_code == 3
    assert "Give 50 Stars back to user" in asked.stderr
    assert "nobody answered, and nothing was changed; to do it without being asked, add --yes" in asked.stderr
    no = await neonpay("payments", "refund", neonpay.charges["kept"], typed="n\n")
    assert (no.exit_code, no.stdout, "Nothing was changed." in no.stderr) == (1, "", True)
    assert (await neonpay.json("payments", "show", neonpay.charges["kept"]))["refund"] is None


async def test_the_token_may_be_in_a_file(neonpay: Command, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{neonpay.shop.account.token}\n")
    arguments = ("payments", "refund", neonpay.charges["kept"], "--yes", "--api-url", neonpay.shop.telegram.base_url)
    assert (await neonpay(*arguments, "--token-file", str(file))).exit_code == 0
    missing = await neonpay(*arguments, "--token-file", str(tmp_path / "none"))
    assert (missing.exit_code, "cannot read the token file" in missing.stderr) == (3, True)
    wrong = await neonpay(*arguments, "--bot-id", "7", "--token-file", str(file))
    assert "--bot says 7" in wrong.stderr


async def test_a_command_makes_no_ledger_where_there_is_none(neonpay: Command, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere.db"
    for arguments in (("payments", "list"), ("verify",), ("export",), ("payments", "show", "stx")):
        result = await neonpay(*arguments, "--database", f"sqlite:///{nowhere}")
        assert result.exit_code == 3
        assert result.stderr.startswith("neonpay: there is no ledger at")
        assert result.stderr.count("\n") == 1
    assert not nowhere.exists()


async def test_the_bot_has_to_be_named_when_there_are_several(open_shop: Callable[..., Shop], neonpay: Command) -> None:
    other = open_shop(username="other_bot")
    await other.neonpay.setup()
    bot_id = neonpay.shop.account.id
    unnamed = await neonpay("verify")
    assert unnamed.exit_code == 3
    assert "name the bot: --bot " in unnamed.stderr
    assert str(bot_id) in unnamed.stderr
    assert (await neonpay("verify", NEONPAY_BOT_ID=str(bot_id))).exit_code == 0
    wrong = await neonpay("reconcile", NEONPAY_BOT_ID="7", **neonpay.with_token)
    assert f"the token is that of bot {bot_id}, and NEONPAY_BOT_ID" in wrong.stderr
    assert len(await neonpay.json("payments", "list", "--bot-id", str(bot_id))) == 4
    unknown = await neonpay("payments", "list", "--bot-id", "7")
    assert "does not have bot 7" in unknown.stderr


async def test_a_list_has_all_bots_when_none_is_named(open_shop: Callable[..., Shop], neonpay: Command) -> None:
    other = open_shop(username="other_bot")
    other.neonpay.on_payment(name="deliver")(_nothing)
    async with other.polling():
        outcome = await other.sells(await other.visitor("Bob"))
    mine = {"NEONPAY_BOT_ID": str(neonpay.shop.account.id)}
    bots = {payment["bot_id"] for payment in await neonpay.json("payments", "list")}
    assert bots == {neonpay.shop.account.id, other.account.id}
    assert len(await neonpay.json("payments", "list", **mine)) == 4
    assert len(await neonpay.json("payments", "list", **neonpay.with_token)) == 4
    assert len(await neonpay.json("payments", "list", "--all-bots", **mine)) == 5
    table = (await neonpay("payments", "list")).stdout
    assert table.splitlines()[0].split()[:4] == ["paid", "(UTC)", "bot", "user"]
    assert table.endswith("\n5 payments\n")
    shown = await neonpay.json("payments", "show", outcome.charge_id or "")
    assert shown["bot_id"] == other.account.id, "a charge says whose it is"
    assert {one["bot_id"] for one in await neonpay.json("handlers", "list")} == bots


async def test_who_delivers_is_listed_renamed_and_retired(open_shop: Callable[..., Shop], neonpay: Command) -> None:
    listed = await neonpay("handlers", "list")
    assert listed.stdout.splitlines()[1].startswith("handler:deliver  vip     last seen ")
    assert (await neonpay.json("handlers", "list"))[0]["kind"] == "delivers"
    shop = open_shop(clock=None)
    shop.neonpay.on_payment(name="grant")(_nothing)
    async with shop.neonpay:
        renamed = await neonpay("handlers", "rename", "deliver", "grant")
    assert renamed.stdout == "grant takes the place of deliver; 0 jobs were moved.\n"
    again = await neonpay("handlers", "rename", "deliver", "grant")
    assert (again.exit_code, "who gets payments: handler:grant" in again.stderr) == (3, True)
    assert "renamed to handler:grant" in (await neonpay("handlers", "list")).stdout
    retired = await neonpay("handlers", "retire", "grant")
    assert retired.stdout == "grant gets no more payments.\n"
    again = await neonpay("handlers", "retire", "grant")
    assert (again.exit_code, "nothing was changed; who gets some: nobody" in again.stderr) == (3, True)
    nobody = await neonpay("handlers", "retire", "nobody")
    assert (nobody.exit_code, "there are: handler:deliver, handler:grant" in nobody.stderr) == (3, True)


async def _nothing() -> None: ...

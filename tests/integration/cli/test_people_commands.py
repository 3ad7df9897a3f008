"""``neonpay people``: what is kept about one person, on a terminal."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.cli.conftest import Command


async def test_a_person_is_given_out_and_removed_by_id_or_name(neonpay: Command, tmp_path: Path) -> None:
    [person] = {payment["user_id"] for payment in (await neonpay.json("payments", "list"))[:1]}
    file = tmp_path / "person.json"
    written = await neonpay("people", "export", str(person), "--output", str(file))
    assert (written.exit_code, written.stdout) == (0, "")
    told = json.loads(file.read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert told["user_id"] == person
    assert told["names"]
    asked = await neonpay("people", "erase", str(person), typed="n\n")
    assert (asked.exit_code, "Nothing was changed." in asked.stderr) == (1, True)
    removed = await neonpay.json("people", "erase", str(person), "--yes")
    assert removed["removed"]["names"] == 1
    again = await neonpay("people", "erase", str(person), "--yes")
    assert again.stdout == f"Nothing is kept about user {person}.\n"
    shown = json.loads((await neonpay("people", "export", str(person))).stdout)
    assert {payment.pop("language_code") for payment in told["payments"]} == {"en"}
    assert (shown["names"], shown["payments"]) == ([], told["payments"])
    proof = await neonpay("verify")
    assert proof.exit_code == 0


async def test_nobody_is_found_by_a_name_that_was_not_seen(neonpay: Command) -> None:
    result = await neonpay("people", "erase", "@nobody_here", "--yes")
    assert result.exit_code != 0
    assert "nobody was seen with the username @nobody_here" in result.stderr

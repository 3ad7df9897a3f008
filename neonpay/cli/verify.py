"""``neonpay verify``: prove that the books add up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neonpay.cli.counted import counted
from neonpay.cli.exit_codes import FOUND
from neonpay.cli.export import private_file
from neonpay.cli.sheets import print_facts, print_json
from neonpay.cli.shop import BotOption, DatabaseOption, JsonOption, errors_in_one_line, run_in_shop, where
from neonpay.core.jsontext import JsonValue

if TYPE_CHECKING:
    from neonpay.books.verification import Proof


def verify(
    *,
    head: Annotated[
        str | None, typer.Option(help="The head that an earlier run printed; books that were written anew lack it.")
    ] = None,
    head_file: Annotated[
        Path | None,
        typer.Option(
            "--head-file",
            help="File with the head that the last run kept: it is looked for, and the newest one is kept when everything "
            "adds up. The first run makes the file.",
        ),
    ] = None,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
) -> None:
    """Prove that the books add up and that nobody has changed them. Exit code 1 if they do not."""
    if head is not None and head_file is not None:
        raise typer.BadParameter("give --head or --head-file, not both", param_hint="--head-file")
    with errors_in_one_line():
        if head_file is not None:
            head = _kept_head(head_file)
        proof = run_in_shop(where(database, bot_id), lambda shop: shop.books.verify(head=head))
        if head_file is not None and proof.is_clean and proof.head is not None:
            _keep_head(head_file, proof.head)
    if json:
        print_json(_as_json(proof))
    else:
        _print(proof)
    if not proof.is_clean:
        raise typer.Exit(FOUND)


def _kept_head(file: Path) -> str | None:
    """The head in the file; None before the first run, and while nothing was sealed."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip() or None
    except FileNotFoundError:
        return None


def _keep_head(file: Path, head: str) -> None:
    with private_file(file) as opened:
        opened.write(f"{head}\n")


def _print(proof: Proof) -> None:
    from neonpay.cli.accounts import two_sides

    facts = {
        "bot": str(proof.bot_id),
        "payments": f"{proof.payments:,}",
        "refunds": f"{proof.refunds:,}",
        "journal entries": f"{proof.entries:,}",
        "seals": f"{proof.seals:,} over {counted(proof.sealed_rows, 'row')}, "
        f"{counted(proof.unsealed_rows, 'row')} not sealed yet",
        "accounts": two_sides(proof.accounts),
        "head": proof.head or "none, nothing is sealed yet",
    }
    print_facts(facts, whole=("head",))
    for finding in proof.findings:
        typer.echo(f"{finding.kind}  {finding.subject}  {finding.words}")
    if proof.is_clean:
        typer.echo("Everything adds up. Keep the head elsewhere, and give it to --head next time.")
    else:
        typer.echo(f"{counted(proof.findings_count, 'thing does', 'things do')} not add up.")


def _as_json(proof: Proof) -> dict[str, JsonValue]:
    return {
        "bot_id": proof.bot_id,
        "is_clean": proof.is_clean,
        "head": proof.head,
        "seals": proof.seals,
        "sealed_rows": proof.sealed_rows,
        "unsealed_rows": proof.unsealed_rows,
        "entries": proof.entries,
        "payments": proof.payments,
        "refunds": proof.refunds,
        "accounts": {name: _sums(name, *sums) for name, sums in proof.accounts.items()},
        "findings": [
            {"kind": finding.kind.value, "subject": finding.subject, "words": finding.words}
            for finding in proof.findings
        ],
        "findings_count": proof.findings_count,
    }


def _sums(account: str, stars: int, nanostars: int) -> dict[str, JsonValue]:
    """What is on an account: what came in as well as what is held or went out is positive."""
    from neonpay.cli.accounts import CAME_IN

    sign = -1 if account in CAME_IN else 1
    return {"stars": sign * stars, "nanostars": sign * nanostars}

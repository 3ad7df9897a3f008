"""``neonpay extensions``: what plugs in here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import typer

from neonpay.cli.columns import Column, print_table
from neonpay.cli.exit_codes import FOUND
from neonpay.cli.lazy import mounted
from neonpay.cli.sheets import print_json
from neonpay.cli.shop import JsonOption
from neonpay.errors import ConfigurationError, ExtensionError
from neonpay.extensions import Installed, installed, load
from neonpay.installing import OURS

if TYPE_CHECKING:
    from neonpay.core.jsontext import JsonValue

_UNUSABLE: Final = "cannot be used"


@dataclass(frozen=True, slots=True)
class _Row:
    """An extension as the list has it.

    Attributes:
        trouble: why it, or what it is without, cannot be used.
        without: parts of neonpay's own whose extra is not installed.
    """

    found: Installed
    trouble: ExtensionError | None
    without: tuple[str, ...]

    @property
    def state(self) -> str:
        """What the list says of it."""
        if self.trouble is None:
            return "ok"
        return f"without {', '.join(self.without)}" if self.without else _UNUSABLE


def extensions(*, json: JsonOption = False) -> None:
    """List the extensions that are installed, what each brings, and whether it can be loaded.

    Each part is imported to find out. Exit code 1 when something cannot be used; a part of neonpay's own whose extra is not
    installed is left out, and that is all.
    """
    _, unmounted = mounted()
    rows = [_look_at(found, unmounted) for found in installed()]
    if json:
        print_json([_json(row) for row in rows])
    elif rows:
        _print(rows)
    else:
        typer.echo("No extensions are installed.")
    if any(row.state == _UNUSABLE for row in rows):
        raise typer.Exit(FOUND)


def _look_at(found: Installed, unmounted: list[ExtensionError]) -> _Row:
    """An extension, and why it or a part of it cannot be used."""
    if found.spec is None:
        return _Row(found, found.error, ())
    without: list[str] = []
    missing: ExtensionError | None = None
    for part in found.spec.parts:
        try:
            load(found.spec, part)
        except ExtensionError as error:
            # What neonpay itself lacks says so with the line that brings it.
            if found.distribution != OURS or part == "factory" or not isinstance(error.__cause__, ConfigurationError):
                return _Row(found, error, ())
            without.append(part)
            missing = missing or error
    unusable = next((one for one in unmounted if one.extension == found.name), None)
    return _Row(found, missing, tuple(without)) if unusable is None else _Row(found, unusable, ())


def _print(rows: list[_Row]) -> None:
    columns = [
        Column(title="name"),
        Column(title="from"),
        Column(title="brings"),
        Column(title="state"),
        Column(title="what for", least=20, gives=1, folds=True),
    ]
    table = [
        [
            row.found.name,
            row.found.distribution,
            ", ".join(_brought(row.found)) or "–",
            row.state,
            "" if row.found.spec is None else row.found.spec.help,
        ]
        for row in rows
    ]
    print_table(columns, table)
    for row in rows:
        if row.trouble is not None:
            typer.echo(f"neonpay: {row.trouble}", err=True)


def _brought(found: Installed) -> list[str]:
    """What it brings beside itself."""
    return [] if found.spec is None else [part for part in found.spec.parts if part != "factory"]


def _json(row: _Row) -> dict[str, JsonValue]:
    found, is_unusable = row.found, row.state == _UNUSABLE
    return {
        "name": found.name,
        "distribution": found.distribution,
        "brings": list(_brought(found)),
        "without": list(row.without),
        "help": "" if found.spec is None else found.spec.help,
        "error": str(row.trouble) if is_unusable else None,
        "advice": row.trouble.advice if is_unusable and row.trouble is not None else None,
    }

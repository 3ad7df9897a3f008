"""``neonpay extensions``: what plugs in here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from neonpay.cli.columns import Column, print_table
from neonpay.cli.lazy import mounted
from neonpay.cli.sheets import print_json
from neonpay.cli.shop import FOUND, JsonOption
from neonpay.errors import ExtensionError
from neonpay.extensions import Installed, installed, load

if TYPE_CHECKING:
    from neonpay.core.jsontext import JsonValue


def extensions(*, json: JsonOption = False) -> None:
    """List the extensions that are installed, what each brings, and whether it can be loaded.

    Each part is imported to find out. Exit code 1 when something cannot be used.
    """
    _, unmounted = mounted()
    rows = [(found, _trouble(found, unmounted)) for found in installed()]
    if json:
        print_json([_json(found, trouble) for found, trouble in rows])
    elif rows:
        _print(rows)
    else:
        typer.echo("No extensions are installed.")
    if any(trouble for _, trouble in rows):
        raise typer.Exit(FOUND)


def _trouble(found: Installed, unmounted: list[ExtensionError]) -> ExtensionError | None:
    """Why it, or a part of it, cannot be used; None when all can."""
    if found.spec is None:
        return found.error
    for part in found.spec.parts:
        try:
            load(found.spec, part)
        except ExtensionError as error:
            return error
    return next((error for error in unmounted if error.extension == found.name), None)


def _print(rows: list[tuple[Installed, ExtensionError | None]]) -> None:
    columns = [
        Column(title="name"),
        Column(title="from"),
        Column(title="brings"),
        Column(title="state"),
        Column(title="what for", least=20, gives=1, folds=True),
    ]
    table = [
        [
            found.name,
            found.distribution,
            ", ".join(_brought(found)) or "–",
            "ok" if trouble is None else "cannot be used",
            "" if found.spec is None else found.spec.help,
        ]
        for found, trouble in rows
    ]
    print_table(columns, table)
    for _, trouble in rows:
        if trouble is not None:
            typer.echo(f"neonpay: {trouble}", err=True)


def _brought(found: Installed) -> list[str]:
    """What it brings beside itself."""
    return [] if found.spec is None else [part for part in found.spec.parts if part != "factory"]


def _json(found: Installed, trouble: ExtensionError | None) -> dict[str, JsonValue]:
    return {
        "name": found.name,
        "distribution": found.distribution,
        "brings": list(_brought(found)),
        "help": "" if found.spec is None else found.spec.help,
        "error": None if trouble is None else str(trouble),
        "advice": None if trouble is None else trouble.advice,
    }

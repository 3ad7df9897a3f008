"""The group of all commands: what is typed is imported, and what is listed is not."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from neonpay.cli.commands import COMMANDS

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter

    from neonpay.errors import ExtensionError
    from neonpay.extensions import ExtensionSpec

INTERRUPTED = 130
"""Exit code after Ctrl-C, as of any program of a shell."""
UNREAD = 141
"""Exit code when whoever read the output has closed it, as ``head`` does; the same as of a program that SIGPIPE ends."""

_OF_PYDANTIC = "Value error, "

_OWN = {row.name: row for row in COMMANDS}


class LazyGroup(TyperGroup):
    """Lists our own commands by their rows and those of extensions by their specs; only the one that runs is imported."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for row in COMMANDS:
            self.add_command(_listed(row.name, row.help))
        self._errors: list[ExtensionError] = []

    def list_commands(self, ctx: Context) -> list[str]:
        """Ours, then those of extensions."""
        specs, self._errors = mounted()
        return [*_OWN, *(spec.name for spec in specs)]

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """What a list shows of a command; extensions are looked for only when it is none of ours."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        spec = _find(cmd_name)
        return None if spec is None else _listed(spec.name, spec.help)

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """The command that runs, imported."""
        name, listed, rest = super().resolve_command(ctx, args)
        return name, None if name is None or listed is None else _imported(name), rest

    def invoke(self, ctx: Context) -> Any:
        """Run the command; Ctrl-C and a reader who has gone end it without a word."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            _say_no_more()
            raise typer.Exit(UNREAD) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except typer.BadParameter as error:
            # typer 0.29 has pydantic read what was typed, and shows its word before its own;
            # test_what_is_none_of_a_few_is_told_with_all_that_there_are says when this can go.
            error.message = error.message.removeprefix(_OF_PYDANTIC)
            raise
        return result

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """The help, and a line on standard error for each extension that adds no command because it cannot."""
        super().format_help(ctx, formatter)
        for error in self._errors:
            typer.echo(f"neonpay: {error}", err=True)


def _say_no_more() -> None:
    """What is still to be written goes nowhere, so that the end of the process does not complain about it."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def mounted() -> tuple[list[ExtensionSpec], list[ExtensionError]]:
    """The extensions that add a command, and why others do not."""
    from neonpay.errors import ExtensionError
    from neonpay.extensions import installed

    specs: list[ExtensionSpec] = []
    errors: dict[str, ExtensionError] = {}
    for found in installed():
        if found.error is not None:
            errors.setdefault(found.name, found.error)
        elif found.spec is not None and found.spec.commands is not None:
            if found.name in _OWN:
                errors[found.name] = ExtensionError(
                    found.name, f"its commands cannot be reached: neonpay {found.name} is neonpay's own"
                )
            else:
                specs.append(found.spec)
    return specs, list(errors.values())


def _find(name: str) -> ExtensionSpec | None:
    from neonpay.cli.shop import errors_in_one_line
    from neonpay.extensions import find

    with errors_in_one_line():
        spec = find(name)
    return None if spec is None or spec.commands is None else spec


def _listed(name: str, help_line: str) -> Command:
    return TyperCommand(name, help=help_line)


def _imported(name: str) -> Command:
    row = _OWN.get(name)
    if row is None:
        found = _of_extension(name)
    else:
        module_name, _, attribute = row.target.partition(":")
        found = getattr(importlib.import_module(module_name), attribute)
    holder = typer.Typer(pretty_exceptions_show_locals=False)
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name)
    else:
        holder.command(name)(cast("Callable[..., None]", found))
    return get_group(holder).commands[name]


def _of_extension(name: str) -> typer.Typer:
    from neonpay.cli.shop import errors_in_one_line
    from neonpay.errors import ExtensionError
    from neonpay.extensions import load

    spec = _find(name)
    assert spec is not None, "it was listed"
    with errors_in_one_line():
        found = load(spec, "commands")
        if not isinstance(found, typer.Typer):
            raise ExtensionError(name, f"{spec.commands} is no typer.Typer")
    return found

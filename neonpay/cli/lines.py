"""Lines to type that a command prints: with the options that it was given itself, since nothing else says what is meant."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import typer

from neonpay.cli import columns
from neonpay.cli.typed import TypedBot
from neonpay.errors import ConfigurationError

if TYPE_CHECKING:
    from typer._click import Context

_LINE: Final = re.compile(r"neonpay(?: [a-z][a-z-]*)+")
_END: Final = re.compile(r"[;,\n)]|\.(?:\s|$)")
_PLACES: Final = (
    "--directory",
    "--passphrase-file",
    "--identity",
    "--recipient",
    "--copy-to",
    "--from",
    "--database",
    "--bot",
)
_TARGETS: Final = ("--from", "--copy-to")
_OF_ANOTHER: Final = {"restore": "create"}
"""A command, and one that is to work on another database than it has done."""


def say(sentence: str) -> None:
    """Print a sentence; the lines in it run as they are printed, and none is broken where the terminal is narrow."""
    words = runnable(sentence)
    width = columns.terminal_width()
    if width is None or columns.cells(words) <= width:
        typer.echo(words)
        return
    lines = [""]
    for word in _unbroken(words):
        fits = columns.cells(lines[-1]) + 1 + columns.cells(word) <= width
        if lines[-1] and fits:
            lines[-1] += f" {word}"
        else:
            lines += [word] if lines[-1] else []
            lines[-1] = word
    for line in lines:
        typer.echo(line)


def runnable(text: str) -> str:
    """The same words, in which each line of neonpay's has the options that were typed and that it takes.

    A line that names a place itself keeps that. Words that are printed by no command stay as they are.
    """
    context = _of_the_command_that_runs()
    if context is None:
        return text
    given = _given(context)
    parts: list[str] = []
    done = 0
    for found in _LINE.finditer(text):
        takes, end = _taken(context.find_root(), text, found)
        stop = _END.search(text, end)
        rest = text[end : len(text) if stop is None else stop.start()]
        there = {word.partition("=")[0] for word in rest.split()}
        if _OF_ANOTHER.get(context.info_name or "", "-") in found[0].split():
            there.add("--database")
        words = [word for option in takes if option not in there for word in _options(option, given)]
        parts += [text[done:end], *(f" {shlex.quote(word)}" for word in words)]
        done = end
    whole = "".join([*parts, text[done:]])
    return _with_target(whole, given, is_of_settings=bool(context.params.get("copy")) and _settings_name_a_place())


def _unbroken(text: str) -> Iterable[str]:
    """The words of a text, of which a line to type is one."""
    done = 0
    for found in _LINE.finditer(text):
        stop = _END.search(text, found.end())
        end = len(text) if stop is None else stop.end()
        if found.start() >= done:
            yield from text[done : found.start()].split()
            yield text[found.start() : end].strip()
            done = end
    yield from text[done:].split()


def _of_the_command_that_runs() -> Context | None:
    # Newer versions of Typer have click within them, older ones beside them.
    package = typer.Context.__mro__[1].__module__.rpartition(".")[0]
    found: Context | None = importlib.import_module(f"{package}.globals").get_current_context(silent=True)
    return found


def _given(context: Context) -> Mapping[str, Sequence[str]]:
    """What was typed of the options that say what is meant, as it is typed."""
    given: dict[str, Sequence[str]] = {}
    for parameter in context.command.params:
        name = next((option for option in parameter.opts if option in _PLACES), None)
        if name is None or parameter.name is None:
            continue
        source = context.get_parameter_source(parameter.name)
        if source is not None and source.name == "COMMANDLINE":
            value = context.params[parameter.name]
            given[name] = [_typed(name, one) for one in (value if isinstance(value, list | tuple) else [value])]
    return given


def _typed(option: str, value: object) -> str:
    if isinstance(value, TypedBot):
        return f"@{value.username}" if value.username else str(value.bot_id)
    return without_password(str(value)) if option == "--database" else str(value)


def without_password(url: str) -> str:
    """A URL as it can be shown: ``***`` for its password, where it has one."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    with suppress(ArgumentError):
        found = make_url(url)
        return found.render_as_string(hide_password=True) if found.password else url
    return url


def _taken(root: Context, text: str, found: re.Match[str]) -> tuple[Iterable[str], int]:
    """The options of the command that a line names, and where its name ends in the text; none for what is no line."""
    command: Any = root.command
    end = found.start() + len("neonpay")
    for word in found[0].split(" ")[1:]:
        if not hasattr(command, "resolve_command") or command.get_command(root, word) is None:
            break
        command, end = command.resolve_command(root, [word])[1], text.index(word, end) + len(word)
    if hasattr(command, "resolve_command"):
        return (), end
    return [option for parameter in command.params for option in parameter.opts if option in _PLACES], end


def _settings_name_a_place() -> bool:
    from neonpay.backup.settings import config_from_settings

    with suppress(ConfigurationError):
        return config_from_settings().copy_to is not None
    return False


def _options(option: str, given: Mapping[str, Sequence[str]]) -> Iterable[str]:
    if option == "--from":
        return  # a line that is about copies says so itself, and about what is here as well
    values = given.get(option, ())
    if option == "--copy-to" and not values:
        values = given.get("--from", ())  # where one looks for copies is where they are to go
    for value in values:
        yield option
        yield value


def _with_target(text: str, given: Mapping[str, Sequence[str]], *, is_of_settings: bool) -> str:
    """The same with the place of copies, where that is known; that of the settings may have a secret in it."""
    place = next((given[option][0] for option in _TARGETS if option in given), None)
    if place is not None:
        for option in _TARGETS:
            text = text.replace(f"{option} TARGET", f"{option} {shlex.quote(place)}")
    elif is_of_settings:
        text = text.replace("--from TARGET", "--copy").replace(" --copy-to TARGET", "")
    return text

"""What the pages tell people to type: ``neonpay``, ``make``, ``pip``, ``python`` and ``curl`` have what is asked of them.

Commands that need neither Telegram nor a terminal are run, in a folder of the test with a ledger.
"""

from __future__ import annotations

import asyncio
import re
import shlex
from functools import cache
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
import pytest
import typer
from typer.testing import CliRunner

from neonpay import create_neonpay
from neonpay._version import __version__
from neonpay.cli.commands import COMMANDS as ROWS
from neonpay.cli.main import app
from neonpay.collection.openapi import document
from neonpay.simulator import Simulator
from tests.unit.docs.blocks import PAGES, ROOT, blocks, page_text
from tools.words import catalogues, read

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHELL = ("shell", "sh", "bash", "console")
_NOT_OURS = {
    "cat",
    "chmod",
    "docker",
    "export",
    "gunicorn",
    "mail",
    "mv",
    "pg_dump",
    "rm",
    "sqlite3",
    "umask",
    "uvicorn",
}
_SERVES = {"dashboard", "demo", "listen", "simulate"}
"""Commands that go on until they are told to stop."""
_SENDS = {("notifications", "send"), ("notifications", "test")}
"""Commands that need a channel, which the tests of notifications have."""
_IN_TURN = {("backup", "drill"), ("backup", "verify"), ("backup", "restore")}
"""Commands that need a backup, which test_pages_in_use makes before."""
_OF_EXTENSIONS = {("badge", "list"), ()}
"""Commands that pages make up, and `neonpay NAME`."""
_OTHERS_OPTIONS = {"--preload", "--graceful-timeout"}
"""Options of other programs that pages speak of."""
_REDIRECTION = re.compile(r"\d?>>?&?\s*\S+|<\s*\S+")


def _commands() -> Iterator[tuple[str, list[str]]]:
    """Every command of every shell block with its place."""
    for block in blocks(*_SHELL):
        text = re.sub(r"(^|\s)#.*$", "", _REDIRECTION.sub(" ", block.text), flags=re.MULTILINE)
        lexer = shlex.shlex(text.replace("\\\n", " "), posix=True, punctuation_chars=";|&\n")
        lexer.whitespace, lexer.whitespace_split = " \t", True
        words: list[str] = []
        for token in [*lexer, "\n"]:
            if set(token) <= set(";|&\n"):
                if words:
                    yield block.place, words
                words = []
            else:
                words.append(token)


COMMANDS = list(_commands())


def _of(*programs: str) -> list[tuple[str, list[str]]]:
    return [(place, words[1:]) for place, words in COMMANDS if PurePosixPath(words[0]).name in programs]


def test_every_program_is_one_that_is_looked_at_or_not_ours() -> None:
    looked_at = {"neonpay", "make", "pip", "python", "python3", "curl"}
    unknown = [
        (place, words[0]) for place, words in COMMANDS if PurePosixPath(words[0]).name not in looked_at | _NOT_OURS
    ]
    assert unknown == []


def _fault(arguments: list[str]) -> str | None:
    """Why ``neonpay`` refuses these arguments; None when it takes them. Nothing is executed."""
    command, name, context = typer.main.get_command(app), "neonpay", None
    try:
        while True:
            context = command.make_context(name, list(arguments), parent=context)
            if not isinstance(command, typer.core.TyperGroup):
                return None
            rest = [*context._protected_args, *context.args]  # noqa: SLF001 - what a group has not parsed itself
            if not rest and command.invoke_without_command:
                return None
            found, inner, arguments = command.resolve_command(context, rest)
            assert inner is not None
            command, name = inner, str(found)
    except typer._click.exceptions.ClickException as error:  # noqa: SLF001
        return error.format_message()


@pytest.mark.parametrize(("place", "arguments"), _of("neonpay"), ids=str)
def test_a_command_of_neonpay_is_taken_as_it_is_printed(place: str, arguments: list[str]) -> None:
    assert _fault(arguments) is None, place


_TYPED = re.compile(r"neonpay(?: (?:[a-z]+|--[a-z-]+|\{charge\}))+")
SAID = sorted(
    {
        found
        for path in catalogues()
        for message in read(path)
        for texts in (message.id, message.string)
        for text in ([texts] if isinstance(texts, str) else texts)
        for found in _TYPED.findall(text)
    }
)
"""Commands that alerts name, in each language."""


@pytest.mark.parametrize("command", SAID)
def test_a_command_that_an_alert_names_is_there(command: str) -> None:
    _, *arguments = command.split()
    fault = _fault(arguments)
    assert not fault  # "" of a group alone, which says what it has


RUN = {
    tuple(arguments): place
    for place, arguments in _of("neonpay")
    if arguments[0] not in _SERVES
    and tuple(arguments[:2]) not in _SENDS | _IN_TURN
    and not re.search(r"…|/mnt/", " ".join(arguments))
}
"""Each command once, with a place that prints it."""


@pytest.mark.parametrize("arguments", RUN, ids=" ".join)
async def test_a_command_that_needs_no_telegram_does_what_its_page_says(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the ledger and all that a command finds are there
    async with create_neonpay("42:" + "A" * 35, reconcile_every_s=None) as shop:
        await shop.books.seal()
    env = {"NEONPAY_BOT_TOKEN": None}
    if "env:NEONPAY_DATABASE_URL" in arguments:
        env["NEONPAY_DATABASE_URL"] = "sqlite:///moved.db"
    done = await asyncio.to_thread(CliRunner().invoke, app, arguments, env=env)
    assert (done.exit_code, done.stderr.strip()) == (0, ""), (RUN[arguments], done.output)


@pytest.mark.parametrize("page", [page for page in PAGES if "`neonpay " in page_text(page) or "`--" in page_text(page)])
def test_commands_and_options_that_a_page_speaks_of_are_there(page: str) -> None:
    text = re.sub(r"^ *```.*?^ *```$", "", page_text(page), flags=re.DOTALL | re.MULTILINE)
    for line in text.splitlines():
        spans = re.findall(r"`([^`]+)`", line)
        calls = [_call(span) for span in spans if span.startswith("neonpay ")]
        for command, options in calls:
            if command not in _OF_EXTENSIONS:
                assert options <= _options(*command), line
        options = {word for span in spans for word in re.findall(r"^--[a-z-]+", span)}
        of_one = line.startswith("| `neonpay ") and len(calls) == 1
        assert options - _OTHERS_OPTIONS <= (_options(*calls[0][0]) if of_one else _every_option()), line


def _call(span: str) -> tuple[tuple[str, ...], set[str]]:
    """The command that is named, as far as it is not to be filled in, and its options."""
    words = span.split()[1:]
    command = takewhile(lambda word: re.fullmatch("[a-z-]+", word) and not word.startswith("-"), words)
    return tuple(command)[:3], set(re.findall(r"--[a-z-]+", span))


@cache
def _options(*command: str) -> frozenset[str]:
    """The options of a command, which has to be there; a word after it that is no command of its is an argument."""
    done = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "300", "NO_COLOR": "1"})
    assert done.exit_code == 0, done.output
    return frozenset(re.findall(r"--[a-z-]+", done.output))


@cache
def _every_option() -> frozenset[str]:
    groups = {"payments": ("list", "show", "retry", "accept", "refund"), "handlers": ("list", "rename", "retire")}
    backups = ("create", "list", "verify", "drill", "restore", "delete", "schedule")
    commands = [(row.name, *one) for row in ROWS for one in [(), *((inner,) for inner in groups.get(row.name, ()))]]
    commands += [("backup", inner) for inner in backups]
    return frozenset().union(*(_options(*command) for command in commands))


def test_make_has_the_targets_that_are_named() -> None:
    targets = set(re.findall(r"^([a-z-]+):", page_text("Makefile"), re.MULTILINE))
    typed = [(place, word) for place, words in _of("make") for word in words if "=" not in word]
    spoken = [(page, name) for page in PAGES for name in re.findall(r"`make ([a-z-]+)", page_text(page))]
    assert [row for row in typed + spoken if row[1] not in targets] == []


def test_python_is_given_files_that_are_there() -> None:
    for place, words in _of("python", "python3"):
        file = next(word for word in words if not word.startswith("-"))
        is_printed = f"As `{file}`:" in page_text(place.partition(":")[0])
        assert words[0] == "-m" or is_printed or any((ROOT / at / file).is_file() for at in ("", "examples")), place


async def test_curl_asks_for_what_the_simulator_or_a_centre_serves() -> None:
    async with (
        Simulator() as telegram,
        aiohttp.ClientSession() as http,
        http.get(f"{telegram.base_url}/_sim/") as answer,
    ):
        listed = (await answer.json())["routes"]
    served = {re.sub(r"\{\w+\}", "[^/]+", row) for row in listed}
    served |= {f"{verb.upper()} {path}" for path, verbs in document()["paths"].items() for verb in verbs}
    for place, words in _of("curl"):
        (url,) = [word for word in words if word.startswith("http")]
        asked = f"{'POST' if '-d' in words else 'GET'} {urlsplit(url).path}"
        assert any(re.fullmatch(row, asked) for row in served), (place, asked, served)


INSTALLS = re.compile(r"pip install (?P<what>[^`\n|;]+)")
_WHEEL = f"dist/neonpay-{__version__}-py3-none-any.whl"


def _sources() -> Iterator[str]:
    yield from PAGES
    for folder in ("neonpay", "examples"):
        names = (path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.py"))
        yield from (name for name in names if name != "neonpay/installing.py")  # it writes the wheel's name


def test_no_line_would_bring_the_older_neonpay_of_the_package_index() -> None:
    bare = re.compile(r"neonpay(\[[^\]]*\])?")
    for name in _sources():
        for match in INSTALLS.finditer(page_text(name)):
            wanted = [word.strip("\"'\\") for word in match["what"].split()]
            is_fetched = " @ git+https://" in match["what"]
            wheels = {word.partition("[")[0] for word in wanted if word.startswith("dist/")}
            assert is_fetched or not any(map(bare.fullmatch, wanted)), (name, match[0])
            assert wheels <= {_WHEEL}, (name, match[0])


def test_the_extras_that_pages_install_are_there() -> None:
    text = page_text("pyproject.toml").split("[project.optional-dependencies]\n", 1)[1].split("\n[", 1)[0]
    there = set(re.findall(r"^(\w+) = \[", text, re.MULTILINE))
    for place, words in _of("pip"):
        for extras in re.findall(r"(?:neonpay|\.whl|\.)\[([\w,]+)\]", " ".join(words)):
            assert set(extras.split(",")) <= there, place

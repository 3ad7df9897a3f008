"""What a person sees: the conversation, the calls, the ledger and the promises."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from neonpay.cli.accounts import two_sides
from neonpay.cli.demo.books import Books

WIDTH = 100
_WHO_CHARS = 9
_SHOWN_CHARS = 12

_HUES = [(255, 107, 129), (93, 211, 158), (255, 200, 87), (97, 175, 255), (214, 139, 255), (86, 211, 224)]
"""Red, green, yellow, blue, magenta and cyan."""
_NIGHT = TerminalTheme(
    background=(16, 18, 27),
    foreground=(214, 218, 232),
    normal=[(40, 44, 60), *_HUES, (214, 218, 232)],
    bright=[(122, 129, 153), *_HUES, (255, 255, 255)],
)


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing that the demo expects.

    Attributes:
        text: what was promised.
        seen: what there is instead, when it was not kept; empty when it was.
    """

    text: str
    seen: str = ""

    @property
    def kept(self) -> bool:
        """Whether it was kept."""
        return not self.seen


class Screen:
    """Prints the demo.

    Args:
        console: where to; colours and the spinner appear only when it is a terminal.
        scenes: how many there will be.
    """

    def __init__(self, console: Console, *, scenes: int) -> None:
        self._console = console
        self._scenes = scenes
        self._scene = 0

    def opening(self, lines: Sequence[str]) -> None:
        """Say what is about to happen."""
        for line in lines:
            self._console.print(Text(line))

    def scene(self, title: str) -> None:
        """Begin a scene."""
        self._scene += 1
        self._heading(f"{self._scene}/{self._scenes}  {title}")

    def line(self, who: str, text: str | Text, *, style: str, call: str = "") -> None:
        """Somebody says or does something; ``call`` is the Bot API method that carried it."""
        row = Table.grid(expand=True, padding=(0, 1))
        row.add_column(width=_WHO_CHARS, style=f"bold {style}")
        row.add_column(ratio=1)
        if call:
            row.add_column(justify="right", style="dim", no_wrap=True)
        row.add_row(Text(who), Text.assemble(text), *([Text(call)] if call else []))
        self._console.print(row, width=min(self._console.width, WIDTH))

    def promise(self, promise: Promise) -> None:
        """Say whether a promise was kept."""
        mark, style = ("✓", "green") if promise.kept else ("✗", "bold red")
        words = promise.text if promise.kept else f"{promise.text}; but {promise.seen}"
        self.line("", Text.assemble((mark, style), " ", (words, style)), style=style)

    def ledger(self, books: Books, *, names: dict[int, str], balance_stars: int) -> None:
        """Print the payments, what became of them, and the journal."""
        self._heading("The ledger at the end")
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", width=WIDTH - 4)
        for name in ("payment", "buyer", "stage"):
            table.add_column(name)
        table.add_column("Stars", justify="right")
        table.add_column("state")
        table.add_column("handlers", ratio=1)
        for payment in books.payments:
            done = ", ".join(
                f"{job.handler} {job.state}" + (f" at attempt {job.attempts}" if job.attempts > 1 else "")
                for job in books.jobs_of(payment.charge_id)
                if not job.handler.startswith("neonpay:")  # what the shop has no function for
            )
            table.add_row(
                shortened(payment.charge_id),
                names.get(payment.user_id, str(payment.user_id)),
                payment.stage_id,
                str(payment.amount_stars),
                payment.state,
                done,
            )
        self._console.print(table)
        accounts = two_sides({name: (stars, 0) for name, stars in books.accounts.items()})
        self.line("journal", accounts, style="cyan")
        self.line("Telegram", f"holds {balance_stars} ★ for the bot", style="yellow")

    def result(self, promises: Sequence[Promise]) -> None:
        """Print how many promises were kept, and again those that were not."""
        broken = [promise for promise in promises if not promise.kept]
        self._console.print()
        for promise in broken:
            self.promise(promise)
        words = f"{len(promises) - len(broken)} of {len(promises)} promises kept."
        self._console.print(Text(words, style="bold red" if broken else "bold green"))

    def stopped(self, reason: str) -> None:
        """Say why the demo could not go on."""
        self._console.print(Text(f"\nThe demo could not go on: {reason}", style="bold red"))

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Show on a terminal that something takes a moment."""
        if self._console.is_terminal and not self._console.record:
            with self._console.status(what, spinner="dots"):
                yield
        else:
            yield

    def _heading(self, title: str) -> None:
        self._console.print()
        self._console.print(
            Rule(Text(title, style="bold"), align="left", style="dim"), width=min(self._console.width, WIDTH)
        )


def save_picture(console: Console, path: Path) -> None:
    """Write what a recording console has printed as an SVG that needs no other file.

    Raises:
        OSError: the file cannot be written.
    """
    svg = console.export_svg(title="neonpay demo", theme=_NIGHT, unique_id="neonpay-demo")
    # A page that shows the picture would fetch the font from elsewhere, or not show the text at all without it.
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    path.write_text(svg.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace"), encoding="utf-8")


def shortened(charge_id: str) -> str:
    """The beginning of a charge id; whole ones are longer than a line."""
    return charge_id if len(charge_id) <= _SHOWN_CHARS else f"{charge_id[:_SHOWN_CHARS]}…"

"""The blocks of the pages as they are printed, and the programs that those in Python make up.

Blocks of a page go on from one another; one that makes a name anew begins a program of its own. What a program uses and
does not make is one of ``GIVEN``, which ``docs/howto/index.md`` tells the reader of. There are no others.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
    if "_build" not in path.parts
)
GIVEN = ("bot", "dispatcher", "neonpay")
_FENCED = re.compile(
    r"^(?P<margin> *)(?P<fence>```+)(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=margin)(?P=fence) *$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: what it is written in, its text without the margin, and the number of its first line."""

    page: str
    language: str
    text: str
    line: int

    @property
    def place(self) -> str:
        """Where an editor finds it."""
        return f"{self.page}:{self.line}"


@dataclass(frozen=True, slots=True)
class Program:
    """Blocks that go on from one another."""

    blocks: tuple[Block, ...]

    @property
    def place(self) -> str:
        return self.blocks[0].place

    @property
    def source(self) -> str:
        """The program with each line where the page has it, and the first line, which is a page's heading, empty."""
        lines: list[str] = []
        for block in self.blocks:
            lines += [""] * (block.line - 1 - len(lines)) + block.text.splitlines()
        return "\n".join(lines) + "\n"

    @property
    def given(self) -> list[str]:
        """What it uses and does not make."""
        tree = ast.parse(self.source)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        return [name for name in GIVEN if name in used - _made(tree)]


def page_text(page: str) -> str:
    """A page as it is in the tree."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(*languages: str, pages: list[str] | None = None) -> list[Block]:
    """The blocks in these languages; in any when none is named."""
    found = []
    for page in PAGES if pages is None else pages:
        text = page_text(page)
        for match in _FENCED.finditer(text):
            language = match["language"].strip()
            if not languages or language in languages:
                line = text.count("\n", 0, match.start("text")) + 1
                found.append(Block(page, language, dedent(match["text"]), line))
    return found


def programs(page: str) -> list[Program]:
    """The programs that the Python of a page makes up, in the order of the page."""
    found: list[list[Block]] = []
    made: set[str] = set()
    for block in blocks("python", pages=[page]):
        tree = ast.parse(block.text, filename=block.place)
        names = _made(tree)
        if not found or (names | _imported(tree)) & made or names & set(GIVEN):
            found.append([])
            made = set()
        found[-1].append(block)
        made |= names
    return [Program(tuple(one)) for one in found]


def _made(tree: ast.Module) -> set[str]:
    """The names that its top level defines; those that it imports do not count."""
    made: set[str] = set()
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            made.add(statement.name)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = [node for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
            made |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
    return made


def _imported(tree: ast.Module) -> set[str]:
    imports = [one for one in tree.body if isinstance(one, ast.Import | ast.ImportFrom)]
    return {alias.asname or alias.name for one in imports for alias in one.names}

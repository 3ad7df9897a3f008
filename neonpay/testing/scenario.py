"""Scenario files: who has what, does what and sees what, played against any bot and kept as tests.

A file is YAML, or Python with an ``async def scenario(telegram, bot)``. docs/reference/scenarios.md describes the steps.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from neonpay.errors import ConfigurationError
from neonpay.installing import install_line

if TYPE_CHECKING:
    from neonpay.simulator import BotAccount, Simulator

    Program = Callable[[Simulator, BotAccount], Awaitable[None]]

SOMEONE: Final = "Someone"
"""In the steps of a ``for each``, whoever's turn it is."""
OF_PEOPLE: Final = (
    "says", "hears", "looks back at", "presses", "pays", "begins to pay", "sees", "cancels", "buys", "gets stars", "has stars",
    "receives from", "blocks", "unblocks", "cancels subscription", "restores subscription", "subscription is",
)  # fmt: skip
"""What people do and see, written ``Ann says: /start``."""
OF_ALL: Final = (
    "advance", "step", "fault", "no faults", "balance", "calls", "refund", "refunded", "not refunded", "together", "for each",
)  # fmt: skip
"""What happens to everybody, and what is looked at."""
TIMEOUT_S: Final = 5.0
_WITHOUT_WORDS: Final = frozenset(
    {"begins to pay", "cancels", "buys", "blocks", "unblocks", "cancels subscription", "restores subscription", "step",
     "no faults", "pays", "hears"}
)  # fmt: skip
_NAME: Final = re.compile(r"[A-Z][A-Za-z0-9_ ]{0,30}")


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a scenario.

    Attributes:
        line: in its file, from 1.
        text: as it is written.
        who: the person; None for what concerns everybody.
        verb: one of ``OF_PEOPLE`` or ``OF_ALL``.
        what: what is said, expected or moved.
        steps: those inside a ``together`` or a ``for each``.
    """

    line: int
    text: str
    who: str | None
    verb: str
    what: Any = None
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario that was read.

    Attributes:
        people: their Stars, by name.
        timeout_s: real seconds that each expectation has to come true.
        program: what a Python file does; it has no steps.
    """

    name: str
    path: Path
    people: Mapping[str, int]
    steps: tuple[Step, ...] = ()
    timeout_s: float = TIMEOUT_S
    program: Program | None = None


class ScenarioFailedError(AssertionError):
    """A step did not go as written.

    Attributes:
        path: the file.
        line: the line of the step.
        step: the step as written.
        reason: what happened instead.
    """

    def __init__(self, path: Path, line: int, step: str, reason: str) -> None:
        self.path = path
        self.line = line
        self.step = step
        self.reason = reason
        told = "\n".join(f"  {each}" for each in reason.splitlines())
        super().__init__(f"{path}:{line}: {step}\n{told}")


def read_scenario(path: str | Path) -> Scenario:
    """Read a scenario and check everything that can be checked before it is played.

    Raises:
        ConfigurationError: there is no such file, or it is no scenario; the message has its line.
    """
    file = Path(path)
    if not file.is_file():
        raise ConfigurationError(f"there is no scenario {file}")
    return _python(file) if file.suffix == ".py" else _yaml(file)


def _python(file: Path) -> Scenario:
    spec = importlib.util.spec_from_file_location(f"neonpay_scenario_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{file} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    program = getattr(module, "scenario", None)
    if not callable(program):
        raise ConfigurationError(f"{file} has no async def scenario(telegram, bot)")
    name = (module.__doc__ or file.stem).strip().splitlines()[0]
    return Scenario(name, file, {}, program=program)


def _yaml(file: Path) -> Scenario:
    try:
        import yaml
    except ImportError as error:
        raise ConfigurationError(f"scenarios in YAML need PyYAML; run: {install_line('scenarios')}") from error
    try:
        root = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = 1 if mark is None else mark.line + 1
        raise ConfigurationError(f"{file}:{line}: no YAML: {getattr(error, 'problem', error)}") from error
    return _Reader(file, yaml).scenario(root)


class _Reader:
    """Turns the nodes of YAML, which know their lines, into steps."""

    def __init__(self, file: Path, yaml: Any) -> None:
        self._file = file
        self._yaml = yaml

    def scenario(self, root: Any) -> Scenario:
        fields = self._fields(root, {"scenario", "people", "steps", "timeout_s"})
        for needed in ("people", "steps"):
            if needed not in fields:
                raise self._wrong(root, f"a scenario has {needed!r}")
        people = self._people(fields["people"])
        name = str(self._plain(fields["scenario"])) if "scenario" in fields else self._file.stem
        timeout_s = self._plain(fields["timeout_s"]) if "timeout_s" in fields else TIMEOUT_S
        if not isinstance(timeout_s, int | float) or not timeout_s > 0:
            raise self._wrong(fields["timeout_s"], "timeout_s is a number of seconds")
        return Scenario(name, self._file, people, self._steps(fields["steps"], people), timeout_s)

    def _people(self, node: Any) -> dict[str, int]:
        people = self._plain(node)
        if not isinstance(people, dict) or not people:
            raise self._wrong(node, "people are names with their Stars, such as 'Ann: 500'")
        for name, stars in people.items():
            if not isinstance(name, str) or not _NAME.fullmatch(name) or name == SOMEONE:
                raise self._wrong(node, f"{name!r} is no name: it begins with a capital letter and is not {SOMEONE!r}")
            if type(stars) is not int or stars < 0:
                raise self._wrong(node, f"{name} has a whole number of Stars, not {stars!r}")
        return people

    def _steps(self, node: Any, people: Mapping[str, int]) -> tuple[Step, ...]:
        if not isinstance(node, self._yaml.SequenceNode) or not node.value:
            raise self._wrong(node, "steps are a list")
        return tuple(self._step(one, people) for one in node.value)

    def _step(self, node: Any, people: Mapping[str, int]) -> Step:
        line = node.start_mark.line + 1
        if isinstance(node, self._yaml.ScalarNode):
            who, verb = self._split(node, str(node.value), people)
            if verb not in _WITHOUT_WORDS:
                raise self._wrong(node, f"{verb!r} needs something after a colon")
            return Step(line, str(node.value), who, verb)
        fields = self._fields(node, None)
        key, value = next(iter(fields.items()))
        who, verb = self._split(node, key, people)
        inner = {"steps"} if verb == "for each" else set()
        if set(fields) - {key} != inner:
            raise self._wrong(node, f"a step is one thing: {key!r} and {sorted(set(fields) - {key})} are more")
        if verb == "together":
            return Step(line, key, who, verb, None, self._steps(value, people))
        if verb == "for each":
            turns = self._plain(value)
            if not isinstance(turns, list) or not set(turns) <= set(people):
                raise self._wrong(value, f"'for each' has a list of people; there are {', '.join(people)}")
            return Step(line, key, who, verb, turns, self._steps(fields["steps"], {**people, SOMEONE: 0}))
        what = self._plain(value)
        return Step(line, f"{key}: {what}" if what is not None else key, who, verb, what)

    def _split(self, node: Any, text: str, people: Mapping[str, int]) -> tuple[str | None, str]:
        if text in OF_ALL:
            return None, text
        for name in sorted(people, key=len, reverse=True):
            if text.startswith(f"{name} "):
                verb = text[len(name) + 1 :]
                if verb not in OF_PEOPLE:
                    raise self._wrong(node, f"nobody knows how {name} {verb!r}; there is: {', '.join(OF_PEOPLE)}")
                return name, verb
        raise self._wrong(
            node, f"{text!r} begins with no one of {', '.join(people)}, and is none of: {', '.join(OF_ALL)}"
        )

    def _fields(self, node: Any, known: set[str] | None) -> dict[str, Any]:
        if not isinstance(node, self._yaml.MappingNode) or not node.value:
            raise self._wrong(node, "names with values are expected here, such as 'Ann says: /start'")
        fields = {str(key.value): value for key, value in node.value}
        if known is not None and set(fields) - known:
            raise self._wrong(
                node, f"{sorted(set(fields) - known)} are not known; there is: {', '.join(sorted(known))}"
            )
        return fields

    def _plain(self, node: Any) -> Any:
        return self._yaml.safe_load(self._yaml.serialize(node))

    def _wrong(self, node: Any, reason: str) -> ConfigurationError:
        line = 1 if node is None else node.start_mark.line + 1
        return ConfigurationError(f"{self._file}:{line}: {reason}")

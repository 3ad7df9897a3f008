"""What plugs in: a row for each extension, ours here and other people's by an entry point, and nothing is loaded to know of it.

An extension that is installed costs nothing until somebody asks for a part of it by ``load``. One that is broken stands in
nobody's way: ``installed`` lists it with its error, and the rest works.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from operator import attrgetter
from typing import Final, Literal

from neonpay.errors import ExtensionError
from neonpay.installing import OURS, install_line, wheel_line

Part = Literal["factory", "tables", "commands", "pages", "eraser"]

PARTS: Final[tuple[Part, ...]] = ("factory", "tables", "commands", "pages", "eraser")
"""The fields of a spec that are import strings."""
ENTRY_POINTS: Final = "neonpay.extensions"
"""The group in which another distribution registers an ``ExtensionSpec`` of its own, under the extension's name."""

_NAME: Final = re.compile(r"(?=.{1,31}$)[a-z][a-z0-9]*(-[a-z0-9]+)*")
_IMPORT_STRING: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionSpec:
    """One extension, by import strings such as ``neonpay_loyalty.points:Points``.

    Attributes:
        name: lower-case words with dashes between them, as in the class of the extension; its commands are
            ``neonpay NAME …``, its pages are below ``/NAME``.
        factory: what makes it, to be given to ``neonpay.use``.
        tables: a ``neonpay.ledger.ExtensionTables``, the ``tables`` of its class.
        commands: a ``typer.Typer``.
        pages: a function that is given the application and returns a ``neonpay.web.Part``.
        eraser: a ``neonpay.payments.erasing.Eraser``, which is asked for each person that is erased where the ledger has
            traces of the extension, also by programs that do not use it.
        extra: the extra of its distribution that installs what it needs.
        help: one line on what it is for; lists of commands show it without importing the extension.

    Raises:
        ExtensionError: the name or an import string is none.
    """

    name: str
    factory: str
    tables: str | None = None
    commands: str | None = None
    pages: str | None = None
    eraser: str | None = None
    extra: str | None = None
    help: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            finding = (
                "its name must be lower-case words with dashes between them, 31 characters at most, such as gift-cards"
            )
            raise ExtensionError(self.name, finding)
        for part in self.parts:
            if not _IMPORT_STRING.fullmatch(self.target(part) or ""):
                finding = f"{part} must be an import string such as package.module:name; got {self.target(part)!r}"
                raise ExtensionError(self.name, finding)

    @property
    def parts(self) -> tuple[Part, ...]:
        """What it brings."""
        return tuple(part for part in PARTS if self.target(part) is not None)

    def target(self, part: Part) -> str | None:
        """The import string of a part; None when it has no such part."""
        targets = {
            "factory": self.factory,
            "tables": self.tables,
            "commands": self.commands,
            "pages": self.pages,
            "eraser": self.eraser,
        }
        return targets[part]


EXTENSIONS: Final[tuple[ExtensionSpec, ...]] = (
    ExtensionSpec(
        name="security",
        factory="neonpay.security.extension:Security",
        help="Blocks, trust and limits; every shop has it.",
    ),
    ExtensionSpec(
        name="analytics",
        factory="neonpay.analytics.extension:Analytics",
        help="Keeps rollups, so that reports of long periods are quick.",
    ),
    ExtensionSpec(
        name="tracking",
        factory="neonpay.tracking.extension:Tracking",
        help="Counts who starts the bot, writes to it and presses its buttons, and where they came from.",
    ),
    ExtensionSpec(
        name="collection",
        factory="neonpay.collection.extension:Collection",
        eraser="neonpay.collection.erasing:erase_waiting",
        extra="botapi",
        help="Sends what happens to the centre of several bots.",
    ),
    ExtensionSpec(
        name="notifications",
        factory="neonpay.notifications.extension:Notifications",
        commands="neonpay.cli.notifications:notifications",
        pages="neonpay.web.pages.notifications:part",
        eraser="neonpay.notifications.erasing:erase_notes",
        extra="notifications",
        help="Tell owners and programs of what happens, once each: try a channel, send, see what waits, and add endpoints.",
    ),
    ExtensionSpec(
        name="buyers",
        factory="neonpay.notifications.buyers:BuyerMessages",
        help="Receipts, refunds and renewals, told to buyers in their language.",
    ),
    ExtensionSpec(
        name="backup",
        factory="neonpay.backup.extension:Backups",
        commands="neonpay.cli.backup:backup",
        pages="neonpay.web.pages.backups:part",
        extra="backup",
        help="Back up the ledger, read a backup back, try it out, and restore it.",
    ),
    ExtensionSpec(
        name="support",
        factory="neonpay.support.extension:Support",
        help="Answers /paysupport and brings requests for refunds to a person.",
    ),
)
"""One row for each extension that neonpay brings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """An extension that a distribution has brought: its spec, or why there is none.

    Attributes:
        distribution: what pip calls whoever brings it.
        spec: None when it cannot be used.
        error: why it cannot be used, and what to type; None when it can.
    """

    name: str
    distribution: str
    spec: ExtensionSpec | None
    error: ExtensionError | None


def installed(ours: Sequence[ExtensionSpec] = EXTENSIONS) -> list[Installed]:
    """Every extension that is there, ours first, then by name; broken ones have an error instead of a spec.

    The modules that hold other people's specs are imported, and no part of an extension.
    """
    rows = _rows(ours)
    found = []
    for row in rows:
        try:
            spec, error = _spec(row, rows), None
        except ExtensionError as exc:
            spec, error = None, exc
        found.append(Installed(name=row.name, distribution=row.distribution, spec=spec, error=error))
    return found


def find(name: str, ours: Sequence[ExtensionSpec] = EXTENSIONS) -> ExtensionSpec | None:
    """The extension of a name; None when nothing of that name is installed. No other one is looked at.

    Raises:
        ExtensionError: it is installed and cannot be used.
    """
    rows = [row for row in _rows(ours) if row.name == name]
    return _spec(rows[0], rows) if rows else None


def load(spec: ExtensionSpec, part: Part) -> object:
    """What the import string of a part leads to.

    Raises:
        ExtensionError: it has no such part, or cannot be imported; the message says what to type.
    """
    target = spec.target(part)
    if target is None:
        raise ExtensionError(spec.name, f"it brings no {part}")
    module_name, _, attribute = target.partition(":")
    try:
        return attrgetter(attribute)(importlib.import_module(module_name))
    except ImportError as exc:
        raise _cannot_import(spec, target, exc) from exc
    except AttributeError as exc:
        finding = f"{target} leads nowhere: {exc}"
        raise ExtensionError(spec.name, finding, advice=_upgrade(_distribution(spec.name))) from exc
    except (Exception, SystemExit) as exc:
        # Whatever somebody's module does while it is imported, it is that extension's failure and nobody else's.
        raise ExtensionError(spec.name, f"importing {module_name} failed: {_words(exc)}") from exc


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    distribution: str
    source: ExtensionSpec | EntryPoint


def _rows(ours: Sequence[ExtensionSpec]) -> list[_Row]:
    theirs = [_Row(point.name, _brings(point), point) for point in entry_points(group=ENTRY_POINTS)]
    theirs.sort(key=lambda row: (row.name, row.distribution))
    return [*(_Row(spec.name, OURS, spec) for spec in ours), *theirs]


def _spec(row: _Row, rows: Sequence[_Row]) -> ExtensionSpec:
    """Its spec; of two of one name ours is taken, and none of two others, since nobody could say which."""
    if isinstance(row.source, ExtensionSpec):
        return row.source
    others = [other.distribution for other in rows if other.name == row.name and other is not row]
    if others:
        finding = f"{row.distribution} and {' and '.join(others)} both bring one of this name"
        raise ExtensionError(row.name, finding, advice=f"remove one: pip uninstall {row.distribution}")
    try:
        spec = row.source.load()
    except (Exception, SystemExit) as exc:
        finding = f"its entry point {row.source.value} cannot be loaded: {_words(exc)}"
        raise ExtensionError(row.name, finding, advice=_upgrade(row.distribution)) from exc
    if not isinstance(spec, ExtensionSpec):
        finding = f"its entry point {row.source.value} is no neonpay.extensions.ExtensionSpec"
        raise ExtensionError(row.name, finding, advice=_upgrade(row.distribution))
    if spec.name != row.name:
        finding = f"its entry point {row.source.value} is a spec of the name {spec.name!r}; both names must be the same"
        raise ExtensionError(row.name, finding, advice=_upgrade(row.distribution))
    return spec


def _cannot_import(spec: ExtensionSpec, target: str, error: ImportError) -> ExtensionError:
    module_name, distribution = target.partition(":")[0], _distribution(spec.name)
    if error.name is not None and f"{module_name}.".startswith(f"{error.name}."):
        return ExtensionError(spec.name, f"there is no module {error.name}", advice=_upgrade(distribution))
    if spec.extra is None:
        advice = _upgrade(distribution)
    elif distribution == OURS:
        advice = f"run: {install_line(spec.extra)}"
    else:
        advice = f'run: pip install "{distribution}[{spec.extra}]"'
    return ExtensionError(spec.name, f"importing {module_name} failed: {_words(error)}", advice=advice)


def _distribution(name: str) -> str:
    return next((_brings(point) for point in entry_points(group=ENTRY_POINTS, name=name)), OURS)


def _brings(point: EntryPoint) -> str:
    return point.module.partition(".")[0] if point.dist is None else point.dist.name


def _upgrade(distribution: str) -> str:
    if distribution == OURS:
        return f"install neonpay again: {wheel_line()}"
    return f"upgrade or remove it: pip install --upgrade {distribution}"


def _words(error: BaseException) -> str:
    try:
        words = " ".join(str(error).split())
    except Exception:  # noqa: BLE001  # an error that cannot say what it is still has a type
        words = ""
    return f"{type(error).__name__}: {words}" if words else type(error).__name__

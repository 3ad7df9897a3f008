"""Bot libraries: one row and one file each. A library is found by looking at the object, and nothing is imported to look."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import cast

from neonpay.core.ports import Adapter
from neonpay.errors import AdapterError, AdapterNotInstalledError
from neonpay.installing import install_line


@dataclass(frozen=True, slots=True)
class AdapterSpec:
    """One bot library.

    Attributes:
        name: what ``adapter_type`` is called.
        module: the adapter, loaded when it is needed.
        distribution: what pip installs.
        minimum: the lowest version that passes the tests.
        library_root: top-level package that the library's classes come from.
        classes: names of the classes that a user may hold.
        shared_extra: the extra, when several rows are served by one; else it is called as the row.
        marks: what an object of this row has, when the classes of several distributions have the same names.
        also: what the extra installs beside the library.
        takes_token: whether ``connect`` takes ``bot_token``, because the object may not have it.
        is_ours: whether neonpay makes all calls itself, so that ``connect`` takes how.
    """

    name: str
    module: str
    distribution: str
    minimum: str
    library_root: str
    classes: tuple[str, ...]
    shared_extra: str | None = None
    marks: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    takes_token: bool = False
    is_ours: bool = False

    @property
    def extra(self) -> str:
        """The extra that installs the library."""
        return self.shared_extra or self.name


_HTTP = ("aiohttp>=3.10",)

ADAPTERS: tuple[AdapterSpec, ...] = (
    AdapterSpec("botapi", "neonpay.adapters.botapi", "aiohttp", "3.10", "", (), is_ours=True),
    AdapterSpec("aiogram", "neonpay.adapters.aiogram", "aiogram", "3.15", "aiogram", ("Bot", "Dispatcher", "Router")),
    AdapterSpec(
        "ptb",
        "neonpay.adapters.ptb",
        "python-telegram-bot",
        "21.6",
        "telegram",
        ("Application", "ApplicationBuilder", "Bot", "Updater"),
    ),
    AdapterSpec("telebot", "neonpay.adapters.telebot_sync", "pyTelegramBotAPI", "4.10", "telebot", ("TeleBot",)),
    AdapterSpec(
        "telebot_async",
        "neonpay.adapters.telebot_async",
        "pyTelegramBotAPI",
        "4.10",
        "telebot",
        ("AsyncTeleBot",),
        shared_extra="telebot",
    ),
    # Three distributions of one package, each known by a method that its clients have in all these versions and those
    # of the next ones in none.
    AdapterSpec(
        "kurigram",
        "neonpay.adapters.pyrogram",
        "kurigram",
        "2.1.35",
        "pyrogram",
        ("Client",),
        marks=("get_bot_info_description",),
        also=_HTTP,
        takes_token=True,
    ),
    AdapterSpec(
        "pyrofork",
        "neonpay.adapters.pyrogram",
        "pyrofork",
        "2.3.32",
        "pyrogram",
        ("Client",),
        marks=("get_collectible_item_info",),
        also=_HTTP,
        takes_token=True,
    ),
    AdapterSpec(
        "pyrogram",
        "neonpay.adapters.pyrogram",
        "pyrogram",
        "2.0.106",
        "pyrogram",
        ("Client",),
        also=_HTTP,
        takes_token=True,
    ),
    AdapterSpec(
        "hydrogram",
        "neonpay.adapters.pyrogram",
        "hydrogram",
        "0.1.4",
        "hydrogram",
        ("Client",),
        also=_HTTP,
        takes_token=True,
    ),
    AdapterSpec(
        "telethon",
        "neonpay.adapters.telethon",
        "telethon",
        "1.37.0",
        "telethon",
        ("TelegramClient",),
        also=_HTTP,
        takes_token=True,
    ),
)
"""Every library that neonpay serves itself."""
ENTRY_POINTS = "neonpay.adapters"
"""The group in which another distribution registers an ``AdapterSpec`` of its own."""


def registered() -> Iterator[AdapterSpec]:
    """The rows that installed distributions have registered, one by one; nothing but the rows is loaded.

    Raises:
        AdapterError: an entry point leads to something that is no AdapterSpec.
    """
    for point in entry_points(group=ENTRY_POINTS):
        spec = point.load()
        if not isinstance(spec, AdapterSpec):
            msg = f"the entry point {point.name} = {point.value} of {ENTRY_POINTS} is no neonpay.adapters.AdapterSpec"
            raise AdapterError(msg)
        yield spec


def detect(bot_instance: object) -> AdapterSpec:
    """The library that an object belongs to, subclasses included; a text is taken for a token.

    Raises:
        AdapterError: it belongs to none, or is a class instead of an object; the message says what to pass.
    """
    if isinstance(bot_instance, type):
        msg = f"pass a bot object, not the class {bot_instance.__name__}"
        raise AdapterError(msg)
    if isinstance(bot_instance, str):
        return named("botapi")
    known: list[AdapterSpec] = []
    # Ours first: other distributions' rows are read only for an object that none of ours fits.
    for specs in (ADAPTERS, registered()):
        known = list(specs)
        for kind in type(bot_instance).__mro__:
            root = (kind.__module__ or "").partition(".")[0]
            for spec in known:
                if root != spec.library_root or kind.__name__ not in spec.classes:
                    continue
                if all(hasattr(bot_instance, mark) for mark in spec.marks):
                    return spec
    served = ", ".join(f"{spec.name} ({', '.join(spec.classes) or 'a token'})" for spec in (*ADAPTERS, *known))
    msg = f"no adapter for an object of type {type(bot_instance).__name__}; neonpay serves {served}"
    raise AdapterError(msg)


def named(adapter_type: str) -> AdapterSpec:
    """The row of a library by its name; raises AdapterError for a name that no row has."""
    for specs in (ADAPTERS, registered()):
        for spec in specs:
            if spec.name == adapter_type:
                return spec
    names = ", ".join(spec.name for spec in (*ADAPTERS, *registered()))
    msg = f"no adapter is called {adapter_type!r}; there are: {names}"
    raise AdapterError(msg)


def load(spec: AdapterSpec) -> Callable[..., Adapter]:
    """The function ``connect`` of an adapter's module, which makes an adapter of the objects that a user holds.

    Raises:
        AdapterNotInstalledError: the library is not installed.
    """
    try:
        module = importlib.import_module(spec.module)
    except ImportError as exc:
        raise AdapterNotInstalledError(_why_not(spec, exc)) from exc
    return cast("Callable[..., Adapter]", module.connect)


def _why_not(spec: AdapterSpec, error: ImportError) -> str:
    """What keeps an adapter from being imported, and what to type: often it is not its library."""
    missing = error.name or ""
    line = install_line(spec.extra) if spec in ADAPTERS else f"pip install {spec.distribution}"
    if missing.partition(".")[0] == "neonpay" and spec in ADAPTERS:
        return (
            f"this program was packed without {missing}, which serves {spec.distribution}; build it with neonpay's own hook "
            "(PyInstaller 4 or later finds it by itself when neonpay is installed with pip), or with --collect-all neonpay"
        )
    if not isinstance(error, ModuleNotFoundError):
        return (
            f"{spec.distribution} is installed and cannot be used: {error}; neonpay needs {spec.minimum} or later, run: "
            + line.replace("pip install", "pip install --upgrade", 1)
        )
    if missing and missing.partition(".")[0] not in {spec.library_root, spec.distribution}:
        return f"{spec.distribution} needs {missing}, which is not installed; run: {line}"
    return f"{spec.distribution} is not installed; run: {line}"

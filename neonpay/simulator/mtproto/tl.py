"""TL objects as one library has them: its classes by name, and their bytes."""

from __future__ import annotations

import inspect
import struct
from importlib import import_module
from io import BytesIO
from typing import Any, Final, Protocol, TypeAlias

TlObject: TypeAlias = Any
"""An object of the client's library; its class is known only by name here, since no library is imported until asked for."""

_PADDING: Final = bytes(64)
_TRUE: Final = 0x997275B5
_FALSE: Final = 0xBC799737
_VECTOR: Final = 0x1CB5C415
"""Constructors of the two booleans and of a list, the same in every layer (https://core.telegram.org/mtproto/TL, read
2026-11-21)."""


class Dialect(Protocol):
    """How one library names, writes and reads TL."""

    def find(self, name: str) -> type[Any] | None:
        """The class of a type, e.g. ``auth.Authorization``; None when the library's layer has none."""
        ...

    def encode(self, thing: TlObject) -> bytes:
        """The bytes of one object."""
        ...

    def decode(self, data: bytes) -> TlObject:
        """The object, or the list or boolean, that the bytes of an answer are, as the client itself reads them."""
        ...

    def decode_request(self, data: bytes) -> TlObject:
        """The request that the bytes are, as Telegram reads them."""
        ...

    def name_of(self, thing: TlObject) -> str:
        """``messages.SendMedia``, ``InputMediaInvoice``: the name in the schema, with its first letter large."""
        ...


class PyrogramDialect:
    """The Pyrogram family: classes in ``raw.types`` and ``raw.functions``."""

    def __init__(self, root: str) -> None:
        self._raw = import_module(f"{root}.raw")

    def find(self, name: str) -> type[Any] | None:
        """The class of a type."""
        return _inside(self._raw.types, name)

    def encode(self, thing: TlObject) -> bytes:
        """The bytes of one object."""
        data: bytes = thing.write()
        return data

    def decode(self, data: bytes) -> TlObject:
        """What the bytes are."""
        return self._raw.core.TLObject.read(BytesIO(data))

    def decode_request(self, data: bytes) -> TlObject:
        """The request that the bytes are.

        The library takes a list of objects that end the data for a list of numbers when they are 4 or 8 bytes long each,
        which answers never are; what follows here makes them longer.
        """
        return self.decode(data + _PADDING)

    def name_of(self, thing: TlObject) -> str:
        """The name in the schema."""
        return str(thing.QUALNAME).partition(".")[2]


class TelethonDialect:
    """Telethon: classes in ``tl.types``, and in ``tl.functions`` with ``Request`` at the end of their names."""

    def __init__(self) -> None:
        self._tl = import_module("telethon.tl")
        self._reader = import_module("telethon.extensions").BinaryReader

    def find(self, name: str) -> type[Any] | None:
        """The class of a type."""
        return _inside(self._tl.types, name)

    def encode(self, thing: TlObject) -> bytes:
        """The bytes of one object."""
        return bytes(thing)

    def decode(self, data: bytes) -> TlObject:
        """What the bytes are."""
        with self._reader(data) as reader:
            return reader.tgread_object()

    def decode_request(self, data: bytes) -> TlObject:
        """The request that the bytes are."""
        return self.decode(data)

    def name_of(self, thing: TlObject) -> str:
        """The name in the schema."""
        kind = type(thing)
        space = kind.__module__.partition(".tl.")[2].partition(".")[2]
        name = kind.__name__.removesuffix("Request") if ".functions" in kind.__module__ else kind.__name__
        return f"{space}.{name}" if space else name


class Tl:
    """Makes and writes objects of a dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.name_of = dialect.name_of
        self.read = dialect.decode
        self.read_request = dialect.decode_request

    def has(self, name: str) -> bool:
        """Whether the library's layer has this type."""
        return self._dialect.find(name) is not None

    def make(self, name: str, **fields: object) -> TlObject:
        """An object of a type. Fields that the layer does not have are left out, as Telegram leaves them out for old clients.

        Raises:
            LookupError: the layer has no such type.
        """
        kind = self._dialect.find(name)
        if kind is None:
            raise LookupError(f"this layer has no {name}")
        known = _fields_of(kind)
        return kind(**{field: value for field, value in fields.items() if field in known})

    def make_filled(self, name: str, **fields: object) -> TlObject:
        """An object of a type with every field: those that are not given and have to be there are nothing, 0 or no."""
        kind = self._dialect.find(name)
        assert kind is not None, f"every layer has {name}"
        known = _fields_of(kind)
        blank = {field: _blank(parameter) for field, parameter in known.items() if parameter.default is parameter.empty}
        return kind(**blank | {field: value for field, value in fields.items() if field in known})

    def set_fields(self, thing: TlObject) -> set[str]:
        """Names of the fields that have something in them."""
        return {field for field in _fields_of(type(thing)) if getattr(thing, field)}

    def write(self, thing: TlObject) -> bytes:
        """The bytes of an object, a boolean or a list of objects."""
        if isinstance(thing, bool):
            return struct.pack("<I", _TRUE if thing else _FALSE)
        if isinstance(thing, list):
            return struct.pack("<Ii", _VECTOR, len(thing)) + b"".join(self._dialect.encode(item) for item in thing)
        return self._dialect.encode(thing)


def _inside(space: object, name: str) -> type[Any] | None:
    for part in name.split("."):
        space = getattr(space, part, None)
    return space if isinstance(space, type) else None


def _fields_of(kind: type[Any]) -> dict[str, inspect.Parameter]:
    # A class of no fields may have the constructor of ``object``, which says *args.
    parameters = inspect.signature(kind.__init__).parameters.values()
    spread = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {each.name: each for each in parameters if each.name != "self" and each.kind not in spread}


def _blank(parameter: inspect.Parameter) -> object:
    kind = str(parameter.annotation)
    if "List" in kind or "list" in kind:
        return []
    return {"int": 0, "str": "", "bool": False, "<class 'int'>": 0, "<class 'str'>": ""}.get(kind, 0)

"""What a module declares about its settings, and what each of them may be, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import inspect

from neonpay.core.secrecy import MASK

_MASKED: Final = "masked"
OFF: Final = "off"
"""What stands for None where there is something to switch off: TOML has no null, and a variable is text."""

Secret: TypeAlias = Annotated[str, msgspec.Meta(extra={_MASKED: True})]
"""Text that no error and no ``repr`` shows."""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of one module. Every field has a type that TOML can say, and a default unless it must be given."""

    def __repr__(self) -> str:
        shown = (f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({', '.join(shown)})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        found = []
        for setting in settings_in(type(self)):
            value = getattr(self, setting.name)
            found.append((setting.name, MASK if setting.is_secret and value is not None else value))
        return found


class Setting(msgspec.Struct, frozen=True):
    """One field of a section.

    Attributes:
        annotation: its type.
        default: what it is when nobody says; ``msgspec.NODEFAULT`` when somebody has to.
        allowed: what it may be, in words.
        is_secret: whether its value is never shown.
        takes_text: whether a variable gives it text as it is, and not a value as TOML writes it.
        may_be_off: whether ``"off"`` stands for None.
        items: what each item of a list may be, in words; None when it is no list.
    """

    name: str
    annotation: Any
    default: object
    allowed: str
    is_secret: bool
    takes_text: bool
    may_be_off: bool
    items: str | None


def settings_in(section: type[msgspec.Struct]) -> list[Setting]:
    """Every setting of a section, in the order in which they are declared."""
    found = []
    for field in msgspec.structs.fields(section):
        kind = inspect.type_info(field.type)
        kinds = list(_kinds(kind))
        takes_text = any(isinstance(one, inspect.StrType) for one in kinds)
        may_be_off = not takes_text and any(isinstance(one, inspect.NoneType) for one in kinds)
        default = field.default
        if field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        found.append(
            Setting(
                name=field.name,
                annotation=field.type,
                default=default,
                allowed=allowed(kind, may_be_off=may_be_off),
                is_secret=_is_secret(kind),
                takes_text=takes_text,
                may_be_off=may_be_off,
                items=allowed(kind.item_type) if isinstance(kind, inspect.VarTupleType | inspect.ListType) else None,
            )
        )
    return found


def allowed(kind: inspect.Type, *, may_be_off: bool = False) -> str:
    """What a value of a type may be, in words."""
    match kind:
        case inspect.Metadata():
            return allowed(kind.type)
        case inspect.UnionType():
            words = [allowed(one) for one in kind.types if not isinstance(one, inspect.NoneType)]
            return ", or ".join([*words, f'"{OFF}"'] if may_be_off else words)
        case inspect.StrType():
            return "text"
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return "a whole number" + _bounds(kind)
        case inspect.FloatType():
            return "a number" + _bounds(kind)
        case inspect.EnumType():
            return "one of " + ", ".join(repr(one.value) for one in kind.cls)
        case inspect.LiteralType():
            return "one of " + ", ".join(map(repr, kind.values))
        case inspect.ListType() | inspect.VarTupleType() | inspect.SetType() | inspect.FrozenSetType():
            return f"a list, each item {allowed(kind.item_type)}"
        case inspect.DictType():
            return f"a table, each key {allowed(kind.key_type)} and each value {allowed(kind.value_type)}"
        case inspect.StructType():
            return "a table with " + " and ".join(f"{one.name} ({allowed(one.type)})" for one in kind.fields)
        case _:
            return type(kind).__name__.removesuffix("Type").lower()


def _bounds(kind: inspect.IntType | inspect.FloatType) -> str:
    rules = [
        words
        for bound, words in (
            (kind.gt, f"above {kind.gt}"),
            (kind.ge, f"{kind.ge} or more"),
            (kind.lt, f"below {kind.lt}"),
            (kind.le, f"at most {kind.le}"),
        )
        if bound is not None
    ]
    return ", " + " and ".join(rules) if rules else ""


def _kinds(kind: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.Metadata):
        yield from _kinds(kind.type)
    elif isinstance(kind, inspect.UnionType):
        for one in kind.types:
            yield from _kinds(one)
    else:
        yield kind


def _is_secret(kind: inspect.Type) -> bool:
    """Whether a part of it is: a list that may hold a secret is one."""
    if isinstance(kind, inspect.Metadata):
        return bool((kind.extra or {}).get(_MASKED)) or _is_secret(kind.type)
    if isinstance(kind, inspect.UnionType):
        return any(map(_is_secret, kind.types))
    if isinstance(kind, inspect.DictType):
        return _is_secret(kind.value_type)
    if isinstance(kind, inspect.ListType | inspect.VarTupleType | inspect.SetType | inspect.FrozenSetType):
        return _is_secret(kind.item_type)
    if isinstance(kind, inspect.StructType):
        return any(_is_secret(one.type) for one in kind.fields)
    return False

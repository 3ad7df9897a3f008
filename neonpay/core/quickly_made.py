"""Frozen dataclasses that cost as little to make as open ones.

A frozen dataclass fills each of its fields through ``object.__setattr__``, which takes longer than everything else about it;
those that are made for every payment have sixty fields together.
"""

from __future__ import annotations

import functools
from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar

T = TypeVar("T")


def quickly_made(frozen: type[T]) -> type[T]:
    """The same frozen dataclass, which has slots, with another constructor.

    The constructor fills an open class of the same layout, which becomes the frozen one with its last statement. A subclass
    has another layout, so it keeps the constructor that dataclasses make.
    """
    filled: dict[str, Field[Any]] = {field.name: field for field in fields(frozen)}  # type: ignore[arg-type]
    assert hasattr(frozen, "__slots__"), f"{frozen.__name__} has no slots"
    assert not hasattr(frozen, "__post_init__"), f"{frozen.__name__} does more than to fill its fields"
    opened = type(f"_Open{frozen.__name__}", (), {"__slots__": tuple(filled)})
    names: dict[str, object] = {
        "_set": object.__setattr__,
        "_opened": opened,
        "_frozen": frozen,
        "_plain": frozen.__init__,
    }
    lines = ["def __init__(self, *, {}):".format(", ".join([_parameter(field, names) for field in filled.values()]))]
    given = ", ".join([f"{name}={_value(field)}" for name, field in filled.items()])
    lines += [f" if self.__class__ is not _frozen: return _plain(self, {given})"]
    lines += [" _set(self, '__class__', _opened)"]
    lines += [f" self.{name} = {_value(field)}" for name, field in filled.items()]
    lines += [" self.__class__ = _frozen"]
    exec("\n".join(lines), names)  # noqa: S102  # as dataclasses do it; names of fields are all that goes in
    made = names["__init__"]
    functools.update_wrapper(made, names["_plain"])  # type: ignore[arg-type]
    frozen.__init__ = made  # type: ignore[method-assign,assignment]
    return frozen


def _parameter(field: Field[Any], names: dict[str, object]) -> str:
    if field.default is not MISSING:
        names[f"_default_{field.name}"] = field.default
        return f"{field.name}=_default_{field.name}"
    if field.default_factory is not MISSING:
        names["_absent"] = MISSING
        names[f"_factory_{field.name}"] = field.default_factory
        return f"{field.name}=_absent"
    return field.name


def _value(field: Field[Any]) -> str:
    if field.default_factory is MISSING:
        return field.name
    return f"_factory_{field.name}() if {field.name} is _absent else {field.name}"

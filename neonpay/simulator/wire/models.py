"""aiogram's models without the seconds that importing aiogram takes.

At its import aiogram has pydantic build the validators of every object of the Bot API, of which a simulator uses a tenth.
Here each is left to be built when it is first used. For a program in which aiogram is nothing but the simulator's schema, as in
``neonpay simulate``: its client, which wraps these objects in models of its own, does not find them built. In a program that
has imported aiogram nothing changes.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel

from neonpay.simulator.uncollected import uncollected

if TYPE_CHECKING:
    from collections.abc import Callable

_MODELS: Final = "aiogram.types"
_METHODS: Final = "aiogram.methods"
_SMALL: Final = "MessageEntity"
"""One that names another of them, and few: whether it is built tells of all."""


def load_models() -> None:
    """Have aiogram imported."""
    if _MODELS not in sys.modules:
        with uncollected():
            _load()


def _load() -> None:
    asked: list[tuple[type[BaseModel], dict[str, object]]] = []
    build: Callable[..., bool | None] = BaseModel.model_rebuild.__func__  # type: ignore[attr-defined]

    def later(cls: type[BaseModel], /, **how: object) -> bool | None:
        names = how.get("_types_namespace")
        if cls.__pydantic_complete__ or not isinstance(names, dict):
            return build(cls, **how)
        asked.append((cls, names))
        return None

    before = BaseModel.__dict__["model_rebuild"]
    BaseModel.model_rebuild = classmethod(later)  # type: ignore[assignment,method-assign]
    try:
        __import__(_MODELS)
        __import__(_METHODS)
    finally:
        BaseModel.model_rebuild = before  # type: ignore[method-assign]
    names = asked[0][1] if asked else {}
    for model in [model for model, _ in asked] + _methods():
        # Documented for just this: "used for automatic rebuilding of models" (pydantic, BaseModel).
        if not model.__pydantic_complete__:
            model.__pydantic_parent_namespace__ = names
    if not all(model.model_rebuild(raise_errors=False) for model, _ in asked if model.__name__ == _SMALL):
        for model, _ in asked:  # a pydantic that builds nothing by itself
            build(model, _types_namespace=names)


def _methods() -> list[type[BaseModel]]:
    """Methods are not built at the import, but of objects that were."""
    module = sys.modules[_METHODS]
    found = (getattr(module, name) for name in module.__all__)
    return [model for model in found if isinstance(model, type) and issubclass(model, BaseModel)]

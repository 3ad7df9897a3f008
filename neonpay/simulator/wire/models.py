"""aiogram's models without the seconds that importing aiogram takes.

At its import aiogram has pydantic build the validators of every object of the Bot API, of which a simulator uses a tenth. Here
they are left to be built when they are first used, as aiogram has told pydantic to do (``defer_build``) before it asks for all
of them at once. For a program that imports aiogram for the simulator's sake, such as ``neonpay simulate``; in a program that
has imported it nothing changes.
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Callable

_MODELS: Final = "aiogram.types"


def load_models() -> None:
    """Have aiogram imported."""
    if _MODELS in sys.modules:
        return
    asked: list[tuple[type[BaseModel], dict[str, object]]] = []
    build: Callable[..., bool | None] = BaseModel.model_rebuild.__func__  # type: ignore[attr-defined]

    def later(cls: type[BaseModel], /, **how: object) -> bool | None:
        names = how.get("_types_namespace")
        if cls.__pydantic_complete__ or not isinstance(names, dict):
            return build(cls, **how)
        asked.append((cls, names))
        return None

    before, collects = BaseModel.__dict__["model_rebuild"], gc.isenabled()
    gc.disable()  # what is made here stays
    BaseModel.model_rebuild = classmethod(later)  # type: ignore[assignment,method-assign]
    try:
        __import__(_MODELS)
    finally:
        BaseModel.model_rebuild = before  # type: ignore[method-assign]
        if collects:
            gc.enable()
    for model, names in asked:
        # Documented for just this: "used for automatic rebuilding of models" (pydantic, BaseModel).
        model.__pydantic_parent_namespace__ = names
    update = getattr(sys.modules[_MODELS], "Update")  # noqa: B009 - nothing here may import it by name before it is there
    if not update.model_rebuild(raise_errors=False):
        for model, names in asked:  # a pydantic that builds nothing by itself
            build(model, _types_namespace=names)

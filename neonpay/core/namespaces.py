"""Classes whose coroutine methods are awaited in one program and waited for in another.

A namespace is written once. ``neonpay.payments`` is one in the mode ``Awaiting``, and ``neonpay.sync.payments`` is the same
class in the mode ``Blocking``; a type checker knows which of the two it has.
"""

from __future__ import annotations

import functools
import types
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Generic, ParamSpec, TypeVar, overload

from neonpay.core.loop_bridge import CLOSED, Home, bridged
from neonpay.core.ports import OwnLoop
from neonpay.errors import AdapterError, LedgerClosedError

P = ParamSpec("P")
T = TypeVar("T")


class Mode(ABC):
    """How the verbs of a namespace are called."""

    @abstractmethod
    def bound(self, method: Callable[P, Coroutine[Any, Any, T]], path: str) -> Callable[P, Any]:
        """A coroutine method, with its signature and its documentation, as this mode has it called.

        Args:
            path: where it is reached below ``neonpay``, such as ``payments.get``.
        """


class Awaiting(Mode):
    """Verbs are awaited, on whatever event loop, and run at home."""

    def __init__(self, home: Home, own_loop: OwnLoop | None = None) -> None:
        self._home = home
        self._own_loop = own_loop

    def bound(
        self,
        method: Callable[P, Coroutine[Any, Any, T]],
        path: str,
    ) -> Callable[P, Coroutine[Any, Any, T]]:
        """The method, as one that crosses over to its home."""
        return bridged(method, self._home, self._own_loop)


class Blocking(Mode):
    """Verbs return when they are done, in any thread but that of neonpay's own event loop.

    Args:
        awaiting: how the same verbs are awaited.
        loop: where they run meanwhile.
        is_inside_transaction: whether the caller is part of a transaction, for whose end a verb would wait.
    """

    def __init__(self, awaiting: Awaiting, loop: OwnLoop, *, is_inside_transaction: Callable[[], bool]) -> None:
        self._awaiting = awaiting
        self._loop = loop
        self._is_inside_transaction = is_inside_transaction

    def bound(self, method: Callable[P, Coroutine[Any, Any, T]], path: str) -> Callable[P, T]:
        """The method, as one that waits."""
        awaited = self._awaiting.bound(method, path)

        @functools.wraps(method)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            self.refuse_deadlock(path, instead=f"neonpay.{path}(...)")
            return self.wait_for(awaited(*args, **kwargs))

        return call

    def refuse_deadlock(self, path: str, *, instead: str) -> None:
        """Raise AdapterError where waiting would never end.

        Args:
            instead: what to await on neonpay's own event loop.
        """
        if self._is_inside_transaction():
            msg = (
                f"neonpay.sync.{path}() would wait for the very transaction that this handler is part of; use the "
                "connection, or give the payment a second handler without one"
            )
            raise AdapterError(msg)
        if self._loop.on_loop_thread:
            msg = f"neonpay.sync.{path}() would block neonpay's own event loop; here, await {instead}"
            raise AdapterError(msg)

    def wait_for(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What a coroutine gives or raises; LedgerClosedError when another thread closes neonpay meanwhile."""
        try:
            return self._loop.run_soon(coroutine).result()
        except CancelledError as exc:
            raise LedgerClosedError(CLOSED) from exc


if TYPE_CHECKING:
    # With a default, so that `Payments` in somebody's annotation is what `neonpay.payments` is. Only type checkers read this;
    # TypeVar has it from Python 3.13 on.
    from typing_extensions import TypeVar as TypeVarWithDefault

    M = TypeVarWithDefault("M", bound=Mode, default=Awaiting)
else:
    M = TypeVar("M")


class Namespace(Generic[M]):
    """Verbs that belong together, in one of two modes.

    A method that is awaited and is meant for users is a ``verb``. Methods call private functions and no verbs: what a verb
    gives depends on the mode, and inside of one the right event loop is reached already. A subclass says where it is::

        class Tips(Namespace[M], path="tips"):
            @verb
            async def total(self) -> int: ...
    """

    _path: ClassVar[str] = ""

    def __init_subclass__(cls, *, path: str | None = None, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if path is not None:
            cls._path = path

    def __init__(self, mode: M) -> None:
        self._mode = mode
        # By verb and not by name, since a subclass may override one and call the other by super().
        self._called: dict[Verb[..., Any], Callable[..., Any]] = {}

    def _bind(self, key: Verb[..., Any], function: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        """A verb of this namespace as its mode has it called; made once, since each update of the bot takes one."""
        called = self._called.get(key)
        if called is None:
            path = f"{self._path}.{function.__name__}" if self._path else function.__name__
            called = self._called[key] = self._mode.bound(types.MethodType(function, self), path)
        return called


class Verb(Generic[P, T]):
    """A coroutine method of a namespace, as the mode of the namespace has it called; of the class, the function as written."""

    def __init__(self, method: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]) -> None:
        self._method = method

    @overload
    def __get__(self, namespace: None, kind: type) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(self, namespace: Namespace[Awaiting], kind: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(self, namespace: Namespace[Blocking], kind: type) -> Callable[P, T]: ...
    def __get__(self, namespace: Namespace[Any] | None, kind: type) -> Callable[..., Any]:
        if namespace is None:
            return self._method
        return namespace._bind(self, self._method)  # noqa: SLF001  # this is a part of the namespace


def verb(method: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]) -> Verb[P, T]:
    """Offer a coroutine method of a namespace in both modes."""
    return Verb(method)

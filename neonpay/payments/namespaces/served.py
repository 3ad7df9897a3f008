"""What all namespaces over the life of a payment have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from neonpay.core.namespaces import M, Namespace
from neonpay.payments.pipeline import Pipeline

Opened: TypeAlias = Callable[[], Awaitable[Pipeline]]
"""Gives the pipeline of the moment, opened; nobody keeps it, since there is another one after ``close()``."""


class Served(Namespace[M]):
    """A namespace that a pipeline serves."""

    def __init__(self, mode: M, opened: Opened) -> None:
        super().__init__(mode)
        self._opened = opened

"""Why an adapter cannot be used, and what to type."""

from __future__ import annotations

import importlib
from dataclasses import replace

import pytest

from neonpay.adapters import AdapterSpec, load, named
from neonpay.errors import AdapterNotInstalledError

AIOGRAM, KURIGRAM = named("aiogram"), named("kurigram")


@pytest.mark.parametrize(
    ("spec", "fault", "words"),
    [
        (
            AIOGRAM,
            ModuleNotFoundError("no module", name="aiogram"),
            'aiogram is not installed; run: pip install "aiogram>=',
        ),
        (
            KURIGRAM,
            ModuleNotFoundError("no module", name="aiohttp"),
            'kurigram needs aiohttp, which is not installed; run: pip install "aiohttp>=',
        ),
        (
            AIOGRAM,
            ModuleNotFoundError("no module", name="neonpay.adapters.aiogram"),
            "this program was packed without neonpay.adapters.aiogram, which serves aiogram; build it with neonpay's own hook",
        ),
        (
            AIOGRAM,
            ImportError("cannot import name 'Bot'", name="aiogram"),
            "aiogram is installed and cannot be used: cannot import name 'Bot'; neonpay needs 3.15 or later",
        ),
        (
            replace(AIOGRAM, name="fabulous", module="fabulous.shop", distribution="fabulous", library_root="fabulous"),
            ModuleNotFoundError("no module", name="fabulous"),
            "fabulous is not installed; run: pip install fabulous",
        ),
    ],
)
def test_what_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, spec: AdapterSpec, fault: ImportError, words: str
) -> None:
    def import_module(_name: str) -> None:
        raise fault

    monkeypatch.setattr(importlib, "import_module", import_module)
    with pytest.raises(AdapterNotInstalledError) as refused:
        load(spec)
    assert str(refused.value).startswith(words)

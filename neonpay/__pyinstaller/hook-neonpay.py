"""What a frozen program needs of neonpay beside what its imports say: modules by name, migrations by path, and data files."""

from __future__ import annotations

import importlib.util

from PyInstaller.utils.hooks import collect_data_files, collect_submodules, copy_metadata

from neonpay.adapters import ADAPTERS

# Adapters, extensions and engines are imported by name. Of the adapters those whose library is there; the tests of others' bots
# and the command would bring pytest, rich and aiohttp's server along.
_LEFT_OUT = (
    "neonpay.testing",
    "neonpay.simulator",
    "neonpay.cli",
    "neonpay.web",
    "neonpay.adapters",
    "neonpay.__pyinstaller",
)


def _is_there(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


hiddenimports = collect_submodules("neonpay", filter=lambda name: not name.startswith(_LEFT_OUT), on_error="ignore") + [
    spec.module for spec in ADAPTERS if _is_there(spec.library_root or spec.distribution)
]
hiddenimports += ["sqlalchemy.dialects.sqlite", "logging.config"]

datas = (
    collect_data_files("neonpay.ledger.migrations", include_py_files=True)
    + collect_data_files("neonpay", includes=["locale/**", "ledger/migrations/**", "py.typed"])
    + copy_metadata("neonpay")
)

"""What importing the simulator needs and says."""

from __future__ import annotations

import subprocess
import sys

import pytest

import neonpay.simulator
from neonpay.installing import install_line

BLOCKED = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {module!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
import neonpay.simulator
try:
    neonpay.simulator.Simulator
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize("module", ["aiogram", "aiohttp"])
def test_a_missing_library_is_named_with_the_line_to_type(module):
    run = subprocess.run(
        [sys.executable, "-c", BLOCKED.format(module=module)], capture_output=True, text=True, check=True
    )
    assert f"neonpay.simulator needs '{module}'" in run.stdout
    assert install_line("simulator") in run.stdout


def test_importing_the_package_loads_no_library():
    code = "import sys, neonpay.simulator; print(sorted({'aiogram', 'aiohttp', 'pydantic'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_every_public_name_exists():
    for name in neonpay.simulator.__all__:
        assert getattr(neonpay.simulator, name).__name__ == name
    with pytest.raises(AttributeError):
        neonpay.simulator.Nothing  # noqa: B018

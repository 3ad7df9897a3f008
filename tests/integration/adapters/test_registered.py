"""Another distribution brings an adapter for its own library."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from neonpay import AdapterError, NeonPayCore, create_neonpay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_LIBRARY = """
class CarrierPigeon:
    token = "42:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
"""
_ADAPTER = """
from neonpay.adapters import AdapterSpec

SPEC = AdapterSpec("pigeon", "pigeon_neonpay.adapter", "pigeon-bot", "1.0", "pigeon", ("CarrierPigeon",))
WRONG = "not a spec"
"""
_MODULE = """
from neonpay.core.ports import Capabilities, Level


class PigeonAdapter:
    library = "pigeon"
    capabilities = Capabilities(level=Level.B)

    def __init__(self, bot):
        self.bot_id = int(bot.token.partition(":")[0])

    def attach(self, sink):
        self.sink = sink

    def host_data(self):
        return {}

    async def call(self, method, params):
        raise NotImplementedError

    async def close(self):
        pass


def connect(bot_instance, *, dispatcher=None, application=None, api_url=None):
    return PigeonAdapter(bot_instance)
"""


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Puts the library and the distribution with its adapter on the path, as pip does."""
    names = ("pigeon", "pigeon_neonpay", "pigeon_neonpay.adapter")

    def install(value: str) -> None:
        (tmp_path / "pigeon.py").write_text(_LIBRARY)
        package = tmp_path / "pigeon_neonpay"
        package.mkdir()
        (package / "__init__.py").write_text(_ADAPTER)
        (package / "adapter.py").write_text(_MODULE)
        metadata = tmp_path / "pigeon_neonpay-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: pigeon-neonpay\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[neonpay.adapters]\npigeon = {value}\n")
        sys.path.insert(0, str(tmp_path))

    yield install
    if str(tmp_path) in sys.path:
        sys.path.remove(str(tmp_path))
    for name in names:
        sys.modules.pop(name, None)


async def test_an_adapter_that_another_distribution_registers_is_found(
    install: Callable[[str], None], tmp_path: Path
) -> None:
    install("pigeon_neonpay:SPEC")
    import pigeon  # type: ignore[import-not-found]  # the fixture has put it there

    class Homing(pigeon.CarrierPigeon):  # type: ignore[misc]
        """A subclass, as its users make them."""

    url = f"sqlite:///{tmp_path / 'n.db'}"
    for neonpay in (create_neonpay(Homing(), database_url=url), _named(pigeon.CarrierPigeon(), url)):
        assert (neonpay.get_stats()["library"], neonpay.program.adapter.bot_id) == ("pigeon", 42)
        await neonpay.close()


def _named(bot: object, url: str) -> NeonPayCore:
    return create_neonpay(bot, adapter_type="pigeon", database_url=url)


def test_an_entry_point_that_leads_elsewhere_is_named(install: Callable[[str], None]) -> None:
    install("pigeon_neonpay:WRONG")
    with pytest.raises(AdapterError, match="pigeon_neonpay:WRONG"):
        create_neonpay(object())

"""Telethon keeps what every adapter promises."""

from __future__ import annotations

import pytest

from neonpay.testing.adapter_suite import AdapterConformance, HostFactory
from tests.conformance.hosts.telethon import TelethonHost


class TestTelethon(AdapterConformance):
    @pytest.fixture
    def host_factory(self) -> HostFactory:
        return TelethonHost

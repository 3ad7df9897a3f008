"""BotApi keeps what every adapter promises."""

from __future__ import annotations

import pytest

from neonpay.testing.adapter_suite import AdapterConformance, HostFactory
from tests.conformance.hosts.botapi import BotApiHost


class TestBotApi(AdapterConformance):
    @pytest.fixture
    def host_factory(self) -> HostFactory:
        return BotApiHost

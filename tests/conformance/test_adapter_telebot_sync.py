"""pyTelegramBotAPI's TeleBot keeps what every adapter promises."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from telebot import apihelper

from neonpay.simulator import Simulator
from neonpay.testing.adapter_suite import AdapterConformance, HostFactory
from tests.conformance.hosts.telebot_sync import TeleBotHost


class TestTeleBot(AdapterConformance):
    @pytest.fixture(autouse=True)
    def server(self, telegram: Simulator) -> Iterator[None]:
        """The library has one address for all bots of a process."""
        before = apihelper.API_URL
        apihelper.API_URL = telegram.base_url + "/bot{0}/{1}"
        yield
        apihelper.API_URL = before

    @pytest.fixture
    def host_factory(self) -> HostFactory:
        return TeleBotHost

"""pyTelegramBotAPI's AsyncTeleBot keeps what every adapter promises."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from telebot import asyncio_helper

from neonpay.simulator import Simulator
from neonpay.testing.adapter_suite import AdapterConformance, HostFactory
from tests.conformance.hosts.telebot_async import AsyncTeleBotHost


class TestAsyncTeleBot(AdapterConformance):
    @pytest.fixture(autouse=True)
    def server(self, telegram: Simulator) -> Iterator[None]:
        """The library has one address for all bots of a process."""
        before = asyncio_helper.API_URL
        asyncio_helper.API_URL = telegram.base_url + "/bot{0}/{1}"
        yield
        asyncio_helper.API_URL = before

    @pytest.fixture
    def host_factory(self) -> HostFactory:
        return AsyncTeleBotHost

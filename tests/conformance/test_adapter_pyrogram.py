"""Pyrogram keeps what every adapter promises."""

from __future__ import annotations

import pytest

from neonpay.testing.adapter_suite import AdapterConformance, HostFactory
from tests.conformance.hosts.pyrogram import PyrogramHost


class TestPyrogram(AdapterConformance):
    @pytest.fixture
    def host_factory(self) -> HostFactory:
        return PyrogramHost

"""The page of settings has every setting of neonpay's own, and no other one."""

from __future__ import annotations

import enum
import re
from pathlib import Path

import pytest

from neonpay.app.settings import CoreSettings
from neonpay.backup.settings import BackupSettings
from neonpay.monitoring.settings import MonitoringSettings
from neonpay.notifications.alert_settings import AlertSettings
from neonpay.notifications.settings import NotifySettings
from neonpay.security.settings import SecuritySettings
from neonpay.settings import Section
from neonpay.settings.section import settings_in
from neonpay.settings.sources import variable_of
from neonpay.support.settings import SupportSettings
from neonpay.tracking.settings import TrackingSettings

PAGE = Path(__file__).resolve().parents[3] / "docs/reference/settings.md"
SECTIONS: dict[str, type[Section]] = {
    "neonpay": CoreSettings,
    "security": SecuritySettings,
    "support": SupportSettings,
    "alerts": AlertSettings,
    "notify": NotifySettings,
    "backup": BackupSettings,
    "tracking": TrackingSettings,
    "monitoring": MonitoringSettings,
}


def _written(section: str) -> list[list[str]]:
    """The rows of a section's table without the words on what each setting does."""
    part = PAGE.read_text(encoding="utf-8").split(f"## `[{section}]`\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("| \n").split(" | ") for line in part.splitlines() if line.startswith("| `")]
    return [row[:4] for row in rows if re.fullmatch(r"`[a-z_]+`", row[0])]


def _default(value: object) -> str:
    if value is None or value in ((), {}):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, enum.Enum | str):
        return f'`"{value}"`'
    return f"`{value:g}`"


@pytest.mark.parametrize("section", SECTIONS)
def test_the_page_has_every_setting_with_its_variable_type_and_default(section: str) -> None:
    expected = [
        [f"`{one.name}`", f"`{variable_of(section, one.name)}`", one.allowed, _default(one.default)]
        for one in settings_in(SECTIONS[section])
    ]
    assert _written(section) == expected


def test_the_page_has_no_other_section() -> None:
    found = re.findall(r"^## `\[(.+)\]`$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert found == list(SECTIONS)

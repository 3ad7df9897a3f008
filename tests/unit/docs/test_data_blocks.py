"""Blocks that are no program: each is read by what would read it, and a block is in a language that some test here knows."""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from typing import TYPE_CHECKING

import pytest
import yaml

from neonpay.app.settings import CoreSettings
from neonpay.monitoring.settings import MonitoringSettings
from neonpay.notifications.alert_settings import AlertSettings
from neonpay.notifications.settings import NotifySettings
from neonpay.security.settings import SecuritySettings
from neonpay.settings import settings_of
from neonpay.support.settings import SupportSettings
from neonpay.testing.scenario import read_scenario
from tests.unit.docs.blocks import Block, blocks, page_text

if TYPE_CHECKING:
    from pathlib import Path

_LOOKED_AT = {
    "python",
    "shell",
    "sh",
    "toml",
    "json",
    "ini",
    "yaml",
    "diff",
    "dockerfile",
    "powershell",
    "sql",
    "postgresql",
}
_READ_BY_PEOPLE = {"nginx", "text"}
_SECTIONS = {
    "neonpay": CoreSettings,
    "security": SecuritySettings,
    "support": SupportSettings,
    "alerts": AlertSettings,
    "monitoring": MonitoringSettings,
    "notify": NotifySettings,
}


def _ids(block: Block) -> str:
    return block.place


def test_every_block_says_what_it_is_written_in() -> None:
    known = _LOOKED_AT | _READ_BY_PEOPLE
    others = [block for block in blocks() if block.language not in known and not block.language.startswith("{")]
    assert [(block.place, block.language) for block in others] == []


@pytest.mark.parametrize("block", blocks("toml"), ids=_ids)
def test_toml_is_toml_and_its_settings_are_settings(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "neonpay.toml"
    file.write_text(block.text, encoding="utf-8")
    for name in tomllib.loads(block.text).keys() & _SECTIONS.keys():
        settings_of(_SECTIONS[name], name, environ={}, file=file)


@pytest.mark.parametrize("block", blocks("json"), ids=_ids)
def test_json_is_json(block: Block) -> None:
    json.loads(block.text)


@pytest.mark.parametrize("block", blocks("dockerfile"), ids=_ids)
def test_every_line_of_a_dockerfile_is_an_instruction(block: Block) -> None:
    instructions = {line.split()[0] for line in block.text.splitlines()}
    assert instructions <= {"FROM", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "ENV", "CMD"}


def test_ini_is_ini() -> None:
    for block in blocks("ini"):
        configparser.ConfigParser(interpolation=None, strict=False).read_string(block.text, block.place)


@pytest.mark.parametrize("block", blocks("yaml"), ids=_ids)
def test_yaml_is_a_scenario_or_says_what_a_container_or_prometheus_gets(block: Block, tmp_path: Path) -> None:
    if block.text.startswith("scrape_configs:"):
        assert {job["job_name"] for job in yaml.safe_load(block.text)["scrape_configs"]} == {"neonpay"}
        return
    if block.text.startswith("services:"):
        composed = yaml.safe_load(block.text)
        for service in composed["services"].values():
            assert {volume.partition(":")[0] for volume in service["volumes"]} == composed["volumes"].keys()
        return
    file = tmp_path / "shown.scenario.yaml"
    file.write_text(block.text, encoding="utf-8")
    assert read_scenario(file).name


@pytest.mark.parametrize("block", blocks("diff"), ids=_ids)
def test_a_change_fits_the_program_of_the_tutorial(block: Block) -> None:
    program = page_text("examples/quickstart.py")
    lines = block.text.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -")
    after = "".join(line[1:] for line in lines if line[0] in " +")
    assert before in program
    compile(program.replace(before, after), block.place, "exec")


@pytest.mark.parametrize("block", blocks("powershell"), ids=_ids)
def test_what_is_typed_on_windows_is_what_make_runs(block: Block) -> None:
    made = set(re.findall(r"\$\(BIN\)/([\w-]+)", page_text("Makefile")))
    for line in block.text.splitlines():
        _, scripts, program = line.partition(".venv\\Scripts\\")
        assert not scripts or program.split()[0] in made, line

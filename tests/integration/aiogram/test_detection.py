"""Which objects ``create_neonpay`` takes, and what it says of those that it does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from aiogram import Bot, Dispatcher, Router

from neonpay import AdapterError, ConfigurationError, create_neonpay
from neonpay.adapters import detect, load, named

TOKEN = "42:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


class OwnBot(Bot):
    """A subclass, as frameworks on top of aiogram make them."""


@pytest.mark.parametrize("thing", [OwnBot(TOKEN), Dispatcher(), Router()], ids=["bot", "dispatcher", "router"])
def test_every_object_of_aiogram_is_recognised_subclasses_included(thing: object) -> None:
    assert detect(thing).name == "aiogram"


def test_a_bot_and_its_dispatcher_make_a_shop(tmp_path: Path) -> None:
    neonpay = create_neonpay(OwnBot(TOKEN), dispatcher=Dispatcher(), database_url=f"sqlite:///{tmp_path}/n.db")

    assert neonpay.get_stats()["library"] == "aiogram"
    assert neonpay.get_stats()["bot_id"] == 42


def test_a_router_stands_for_the_dispatcher_above_it(tmp_path: Path) -> None:
    dispatcher, router = Dispatcher(), Router()
    dispatcher.include_router(router)

    neonpay = create_neonpay(Bot(TOKEN), dispatcher=router, database_url=f"sqlite:///{tmp_path}/n.db")

    assert neonpay.program.adapter.host_data()["dispatcher"] is dispatcher


@pytest.mark.parametrize(
    ("given", "dispatcher"),
    [(Bot(TOKEN), None), (Dispatcher(), None), (Bot(TOKEN), Router()), (Bot(TOKEN), "dp")],
    ids=["no dispatcher", "no bot", "a router of no dispatcher", "text"],
)
def test_what_is_missing_is_said_with_the_line_to_write(given: object, dispatcher: object) -> None:
    with pytest.raises(AdapterError, match=r"create_neonpay\(bot, dispatcher=dp\)"):
        create_neonpay(given, dispatcher=dispatcher)


def test_a_class_is_refused_with_the_advice_to_pass_an_object() -> None:
    with pytest.raises(AdapterError, match="not the class Bot"):
        create_neonpay(Bot)


def test_an_unknown_object_is_refused_with_what_is_known() -> None:
    with pytest.raises(AdapterError, match=r"type dict; neonpay serves .*aiogram \(Bot, Dispatcher, Router\)"):
        create_neonpay({})


def test_an_unknown_adapter_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(AdapterError, match=r"'discord'; there are: .*aiogram"):
        create_neonpay(Bot(TOKEN), dispatcher=Dispatcher(), adapter_type="discord")


def test_a_short_secret_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigurationError, match="at least 16 characters") as caught:
        create_neonpay(Bot(TOKEN), dispatcher=Dispatcher(), secret="hunter2")

    assert "hunter2" not in str(caught.value)


def test_an_adapter_is_loaded_by_its_row() -> None:
    assert load(named("aiogram")).__module__ == "neonpay.adapters.aiogram"


def test_looking_at_an_object_imports_no_bot_library() -> None:
    program = """
import sys
from neonpay.adapters import detect
try:
    detect(object())
except ValueError:
    print("aiogram" in sys.modules)
"""

    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert said == "False\n"

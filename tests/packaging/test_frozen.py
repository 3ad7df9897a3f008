"""A program that PyInstaller packs: the hook that the wheel brings along puts into it what no import tells of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Environment

pytestmark = [pytest.mark.build, pytest.mark.timeout(900)]  # packages are downloaded, and packing takes minutes

SHOP = """
import sys
from telebot import TeleBot
from neonpay import PaymentStage, create_neonpay

bot = TeleBot("42:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
neonpay = create_neonpay(bot, database_url=sys.argv[1], reconcile_every_s=None)
neonpay.create_payment_stage("vip", PaymentStage(title="VIP", description="A month of VIP", price=50))
neonpay.on_payment(name="deliver")(lambda result: None)
neonpay.sync.setup()
assert neonpay.sync.payments.list() == []
neonpay.sync.close()
print("it sells")
"""


def test_a_packed_program_sells(empty: Environment, wheel: Path, tmp_path: Path) -> None:
    empty.install(f"{wheel}[telebot]", "pyinstaller>=6")
    (tmp_path / "shop.py").write_text(SHOP, encoding="utf-8")
    packed = empty.run("pyinstaller", "--noconfirm", "--log-level", "WARN", "shop.py", cwd=tmp_path)
    assert packed.returncode == 0, packed.stderr
    (tmp_path / "env").rename(tmp_path / "not there any more")

    program = str(tmp_path / "dist" / "shop" / "shop")
    sold = empty.run(program, f"sqlite:///{tmp_path / 'shop.db'}", cwd=tmp_path)
    assert (sold.returncode, sold.stdout) == (0, "it sells\n"), sold.stderr

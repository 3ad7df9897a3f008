"""How the command ends when nobody wants to hear more, as a process: Ctrl-C, and a reader who has gone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.cli.busy import Busy

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes of POSIX")


def started(*arguments: str, url: str, **environment: str) -> subprocess.Popen[str]:
    left_out = ("NEONPAY_BOT_TOKEN", "NEONPAY_BOT_ID")
    env: dict[str, Any] = {name: value for name, value in os.environ.items() if name not in left_out}
    return subprocess.Popen(
        [sys.executable, "-m", "neonpay", *arguments],
        env={**env, "NEONPAY_DATABASE_URL": url, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("payments", "list"),
        ("payments", "list", "--json"),
        ("export", "journal", "--bot-id", "{bot}"),
        ("verify", "--bot-id", "{bot}"),
    ],
    ids=["list", "json", "export", "verify"],
)
def test_a_reader_who_has_gone_ends_a_command_quietly(busy: Busy, arguments: tuple[str, ...]) -> None:
    running = started(*[argument.format(bot=busy.bot_id) for argument in arguments], url=busy.url)
    assert running.stdout is not None
    running.stdout.close()
    assert running.stderr is not None
    assert (running.wait(60), running.stderr.read()) == (141, "")
    running.stderr.close()
    assert running.stdin is not None
    running.stdin.close()


def test_ctrl_c_at_a_question_changes_nothing_and_ends_with_130(busy: Busy) -> None:
    running = started("payments", "refund", busy.charges["kept"][:12], url=busy.url)
    assert running.stderr is not None
    question = ""
    while not question.endswith("[y/N]: "):
        question += running.stderr.read(1)
    running.send_signal(signal.SIGINT)
    printed, told = running.communicate(timeout=60)
    assert question.startswith("Give 50 Stars back to user ")
    assert (running.returncode, printed, told.strip()) == (130, "", ""), "no traceback"


def test_ctrl_c_while_telegram_does_not_answer_ends_with_130(busy: Busy) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        running = started("reconcile", "--api-url", url, url=busy.url, NEONPAY_BOT_TOKEN=busy.token)
        silent.settimeout(60)
        connection, _ = silent.accept()  # the question is on its way
        with connection:
            running.send_signal(signal.SIGINT)
            printed, told = running.communicate(timeout=60)
    assert (running.returncode, printed, told) == (130, "", "")

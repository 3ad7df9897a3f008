"""aiogram's models in a program that imports them for the simulator's sake."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import gc, json
from pydantic import BaseModel
before = BaseModel.__dict__["model_rebuild"]
from neonpay.simulator.wire.models import load_models
load_models()
from aiogram import methods, types
models = [getattr(types, name) for name in types.__all__] + [getattr(methods, name) for name in methods.__all__]
models = [model for model in models if isinstance(model, type) and issubclass(model, BaseModel)]
built = sum(model.__pydantic_complete__ for model in models)
load_models()
chat = {"id": 1, "type": "private"}
update = types.Update.model_validate({"update_id": 1, "message": {"message_id": 1, "date": 1, "chat": chat}})
wrong = ""
for model in models:
    if not model.model_rebuild(raise_errors=False) and not model.__pydantic_complete__:
        wrong += model.__name__
print(json.dumps({
    "models": len(models), "built": built, "wrong": wrong, "restored": BaseModel.__dict__["model_rebuild"] is before,
    "chat": update.message.chat.id, "call": methods.SendMessage(chat_id=1, text="x").text, "collects": gc.isenabled(),
}))
"""


def test_models_are_built_when_they_are_used_and_all_of_them_can_be():
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["models"] > 300
    assert found["built"] < found["models"] / 2
    assert {name: found[name] for name in ("wrong", "restored", "chat", "call", "collects")} == {
        "wrong": "", "restored": True, "chat": 1, "call": "x", "collects": True,
    }  # fmt: skip


LEFT = """
from neonpay.simulator.wire.models import load_models
load_models()
from neonpay.simulator.control import orders
from aiogram import types
print(types.Update.__pydantic_complete__, types.Message.__pydantic_complete__, orders.Says.__pydantic_complete__)
print(orders.Says.model_validate_json('{"bot": "shop", "text": "hi"}').text)
"""


def test_no_start_waits_for_what_the_first_answer_does_not_need():
    ran = subprocess.run([sys.executable, "-c", LEFT], capture_output=True, text=True, check=False, timeout=120)
    assert ran.stdout.splitlines() == ["False False False", "hi"], ran.stderr

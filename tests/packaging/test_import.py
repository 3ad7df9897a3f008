"""What a program pays for ``import neonpay``, and which names it gets."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import neonpay

if TYPE_CHECKING:
    from pathlib import Path

# Frozen: to add a name here is to promise it; to remove one breaks somebody's bot and belongs in a major release.
PUBLIC_NAMES = [
    "ActionType",
    "AdapterError",
    "AnalyticsDashboard",
    "AnalyticsManager",
    "AnalyticsPeriod",
    "BackupConfig",
    "BackupInfo",
    "BackupManager",
    "BackupStatus",
    "BackupType",
    "BotAnalytics",
    "CentralEventCollector",
    "CheckoutRefused",
    "ConfigurationError",
    "ConversionData",
    "EventCollectorConfig",
    "EventType",
    "Invoice",
    "Limits",
    "MultiBotAnalyticsManager",
    "MultiBotEvent",
    "MultiBotEventCollector",
    "NeonPayCore",
    "NeonPayError",
    "NetworkAnalytics",
    "NotificationConfig",
    "NotificationManager",
    "NotificationMessage",
    "NotificationPriority",
    "NotificationType",
    "Payment",
    "PaymentContext",
    "PaymentError",
    "PaymentMiddleware",
    "PaymentResult",
    "PaymentStage",
    "PaymentStatus",
    "ProductPerformance",
    "Rate",
    "RateLimiter",
    "RealTimeEventCollector",
    "RefundError",
    "RefundPolicy",
    "RefundRefused",
    "RejectPayment",
    "RetryPolicy",
    "RevenueData",
    "SaleRefused",
    "SecretFilter",
    "SecurityEvent",
    "SecurityManager",
    "StageNotFoundError",
    "TelegramError",
    "ThreatLevel",
    "UserSecurityProfile",
    "ValidationError",
    "__version__",
    "create_neonpay",
    "run_analytics_server",
]

NOT_ON_IMPORT = {
    "aiogram",
    "aiohttp",
    "alembic",
    "asyncpg",
    "hydrogram",
    "msgspec",
    "pydantic",
    "pyrogram",
    "rich",
    "sqlalchemy",
    "telebot",
    "telegram",
    "telethon",
    "typer",
}

IMPORT_BUDGET_S = 0.040


def _in_a_fresh_interpreter(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_loads_no_bot_library_no_database_and_no_http() -> None:
    loaded = json.loads(_in_a_fresh_interpreter("import json, sys, neonpay; print(json.dumps(sorted(sys.modules)))"))
    assert NOT_ON_IMPORT.isdisjoint(name.partition(".")[0] for name in loaded)
    assert "neonpay" in loaded
    assert {"neonpay.cli", "neonpay.extensions", "neonpay.web"}.isdisjoint(loaded)


def test_the_public_names_are_frozen() -> None:
    assert sorted(neonpay.__all__) == PUBLIC_NAMES


def test_every_public_name_is_there_and_listed_by_dir() -> None:
    assert {name: hasattr(neonpay, name) for name in PUBLIC_NAMES} == dict.fromkeys(PUBLIC_NAMES, True)
    assert set(PUBLIC_NAMES) <= set(dir(neonpay))


def test_the_facts_and_errors_of_the_public_names_need_no_bot_library_and_no_database() -> None:
    services = {"NeonPayCore", "PaymentContext", "RateLimiter", "SecurityManager", "create_neonpay"}
    # Figures are read from a database, what is collected or told is kept in one, and backups are of one.
    of_data = ("neonpay.analytics", "neonpay.backup", "neonpay.collection", "neonpay.notifications")
    services |= {name for name in PUBLIC_NAMES if getattr(getattr(neonpay, name), "__module__", "").startswith(of_data)}
    facts = [name for name in PUBLIC_NAMES if name not in services]
    code = f"import json, sys; from neonpay import {', '.join(facts)}; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(_in_a_fresh_interpreter(code))
    assert NOT_ON_IMPORT.isdisjoint(name.partition(".")[0] for name in loaded)


def test_import_takes_at_most_40_ms_over_a_bare_interpreter() -> None:
    """Processor time, and the least of several runs: what else the machine does is not what is measured."""
    code = "import time; started = time.process_time(); import neonpay; print(time.process_time() - started)"
    assert min(float(_in_a_fresh_interpreter(code)) for _ in range(7)) <= IMPORT_BUDGET_S


def _imported_by(path: Path) -> set[str]:
    """What it imports when it runs; what stands under TYPE_CHECKING is for type checkers, which bring typing_extensions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


def test_core_and_errors_import_only_the_standard_library_and_core(root: Path) -> None:
    """import-linter can forbid modules by name only; this forbids the ones that nobody has thought of yet."""
    foreign: dict[str, list[Any]] = {}
    for path in [
        root / "neonpay/extensions.py",
        root / "neonpay/installing.py",
        *sorted((root / "neonpay/errors").rglob("*.py")),
        *sorted((root / "neonpay/core").rglob("*.py")),
    ]:
        others = [
            name
            for name in _imported_by(path)
            if name.partition(".")[0] not in sys.stdlib_module_names
            and not name.startswith(("neonpay.core", "neonpay.errors", "neonpay.installing", "neonpay._version"))
        ]
        if others:
            foreign[path.name] = others
    assert foreign == {}

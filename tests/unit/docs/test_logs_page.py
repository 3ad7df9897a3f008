"""The page of logs has every line with its levels and its fields, and no other one."""

from __future__ import annotations

import logging
from pathlib import Path

from neonpay.core import log_lines
from neonpay.core.log_lines import LogLine

PAGE = Path(__file__).resolve().parents[3] / "docs/reference/logs.md"
SALE = ("stage_id", "invoice_id", "charge_id", "amount_stars")


def _rows() -> list[str]:
    """The rows of the table, from the lines themselves."""
    by_name: dict[str, list[LogLine]] = {}
    for line in vars(log_lines).values():
        if isinstance(line, LogLine) and line.event_name:
            by_name.setdefault(line.event_name, []).append(line)
    rows = []
    for name, lines in by_name.items():
        levels = dict.fromkeys(logging.getLevelName(line.level) for line in lines)
        (fields,) = {line.fields for line in lines}
        is_sale = fields[: len(SALE)] == SALE
        own = [f"`{field}`" for field in (fields[len(SALE) :] if is_sale else fields)]
        rows.append(f"| `{name}` | {', '.join(levels)} | {', '.join(['…', *own] if is_sale else own)} |")
    return rows


def test_the_page_has_every_line_with_its_levels_and_fields() -> None:
    part = PAGE.read_text(encoding="utf-8").split("## Lines\n", 1)[1].split("\n## ", 1)[0]
    assert [row for row in part.splitlines() if row.startswith("| `") and "event_name" not in row] == _rows()


def test_every_field_of_a_sale_is_explained() -> None:
    fields = PAGE.read_text(encoding="utf-8").split("## Fields\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in vars(log_lines).values() if isinstance(line, LogLine)]
    used = {field for line in lines if line.fields[: len(SALE)] == SALE for field in line.fields}
    assert [field for field in sorted(used) if f"`{field}`" not in fields] == []

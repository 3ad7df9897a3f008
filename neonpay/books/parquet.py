"""Sheets as Parquet, by DuckDB: of what can write it, the lightest that needs nothing else, and it reads lines from a file.

Rows go to a file of JSON lines first, so that no more of them is in memory than DuckDB holds at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from neonpay.core.sheets import Kind, kind_of
from neonpay.errors import ConfigurationError
from neonpay.installing import install_line

_TYPES: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind.TEXT: "VARCHAR",
        Kind.NUMBER: "BIGINT",
        Kind.FRACTION: "DOUBLE",
        Kind.FLAG: "BOOLEAN",
        Kind.TIME: "TIMESTAMPTZ",
        Kind.DAY: "DATE",
    }
)
_SETTINGS: Final[dict[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": "false",  # it reaches for no network
    "autoload_known_extensions": "false",
    "memory_limit": "256MB",
    "threads": "1",
}


def require_parquet() -> None:
    """Raises ConfigurationError when DuckDB is not installed."""
    try:
        import duckdb as _  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "duckdb":
            raise
        msg = f"Parquet files need DuckDB; run: {install_line('parquet')}"
        raise ConfigurationError(msg) from error


def write_parquet(lines: Path, target: Path, columns: Sequence[str]) -> None:
    """Make a Parquet file of JSON lines that have these columns, each with its type; what is at ``target`` is replaced.

    Raises:
        ConfigurationError: DuckDB is not installed.
    """
    require_parquet()
    import duckdb

    types = {name: _TYPES[kind_of(name)] for name in columns}
    with duckdb.connect(":memory:", config=_SETTINGS) as database:
        database.execute("SET TimeZone = 'UTC'")
        rows = database.read_json(str(lines), format="newline_delimited", columns=types)
        rows.write_parquet(str(target), compression="zstd")

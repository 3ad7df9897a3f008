"""How a sheet is written: CSV that no spreadsheet takes for formulas, and JSON lines."""

from __future__ import annotations

import csv
import enum
import json
import re
from collections.abc import Callable, Sequence
from typing import Final, TextIO

from neonpay.core.sheets import Value
from neonpay.errors import LedgerUnavailableError

_FORMULA: Final = re.compile(r"(?:\A|(?<=[;\t\r\n]))(?=[=+\-@\t\r\n\0＝＋－＠])")  # noqa: RUF001  # the wide ones are meant
"""Where a spreadsheet might see the beginning of a formula: OWASP ASVS 5.0 requirement 1.2.10
(https://asvs.emil.hemdal.se/1.2.10, read 2026-11-21), both ends of a line, the wide signs that a Japanese one takes for the
narrow; and the same after what ends a cell where the comma is the decimal sign, as in Russia and Germany: there a
spreadsheet cuts lines at semicolons."""


class Format(enum.StrEnum):
    """How a sheet is written."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class Paper:
    """Where a sheet is written as text.

    Args:
        file: standard output, or a file that can be written anew.
        format: CSV or JSON lines; Parquet is made from lines, see ``books.parquet``.
    """

    def __init__(self, file: TextIO, format: Format) -> None:  # noqa: A002  # what it is called everywhere
        self._file = file
        self._format = format
        self._is_fresh = True

    def writer(self, columns: Sequence[str]) -> Callable[[Sequence[Value]], None]:
        """Begin, or begin anew, and give what writes a row.

        Raises:
            LedgerUnavailableError: the connection to the database was lost, and what was printed cannot be taken back.
        """
        if not self._is_fresh:
            if not self._file.seekable():
                msg = "the connection to the database was lost, and what was printed cannot be taken back; use --output"
                raise LedgerUnavailableError(msg)
            self._file.seek(0)
            self._file.truncate()
        self._is_fresh = False
        if self._format is not Format.CSV:
            return lambda row: self._write_line(dict(zip(columns, row, strict=True)))
        writer = csv.writer(self._file)
        writer.writerow(columns)
        return lambda row: writer.writerow([cell(value) for value in row])

    def _write_line(self, row: dict[str, Value]) -> None:
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")


def cell(value: Value) -> str:
    """A value as a cell that no spreadsheet takes for a formula: such texts, and such parts, get an apostrophe in front."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return _FORMULA.sub("'", value)

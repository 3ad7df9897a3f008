"""Whether what has to be secret is: how hard the secret is to guess, and who may read the files."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa

from neonpay.cli.checks.check import Check, ok, problem, skipped, warning
from neonpay.errors import ConfigurationError
from neonpay.store.signing_keys import SECRET_MIN_CHARS, derived_keys

DIFFERENT_CHARS_MIN = 8
"""A secret with fewer different characters was made up and not drawn: 16 random hexadecimal digits have 10 on average."""
_MAKE = 'make one: python -c "import secrets; print(secrets.token_urlsafe(32))"'


def check_secret(variable: str | None, environ: Mapping[str, str], *, token: str | None) -> Check:
    """``secret.strength`` of the secret that a bot gives to ``create_neonpay``.

    Args:
        variable: name of the environment variable that holds it; None when the key is kept in the ledger.
        token: the bot's token, which is known to more programs than this one.
    """
    name = "secret.strength"
    if variable is None:
        return skipped(
            name, "no variable was named; without a secret the key is drawn at random and kept in the ledger"
        )
    secret = environ.get(variable, "")
    if not secret:
        return problem(name, f"the variable {variable} is not set here", f"set it, or {_MAKE}")
    try:
        derived_keys(secret)
    except ConfigurationError:
        return problem(name, f"the secret in {variable} has fewer than {SECRET_MIN_CHARS} characters", _MAKE)
    if token is not None and secret in token:
        return problem(name, f"the secret in {variable} is the bot's token or a part of it", _MAKE)
    if len(set(secret)) < DIFFERENT_CHARS_MIN:
        finding = f"the secret in {variable} has only {len(set(secret))} different characters"
        return problem(name, finding, _MAKE)
    return ok(name, f"the secret in {variable} has {len(secret)} characters, {len(set(secret))} of them different")


def check_files(database_url: str, *, token_file: Path | None) -> list[Check]:
    """``files.database`` and ``files.token``: an SQLite ledger holds the key that signs invoices, and who bought what."""
    return [_database_files(database_url), _token_file(token_file)]


def _database_files(database_url: str) -> Check:
    name = "files.database"
    try:
        url = sa.make_url(database_url)
    except (sa.exc.ArgumentError, ValueError):
        return skipped(name, "the database URL cannot be read")
    if url.get_backend_name() != "sqlite" or not url.database:
        return skipped(name, "the ledger is no file")
    files = [Path(f"{url.database}{end}") for end in ("", "-wal", "-shm")]
    return _private(name, [file for file in files if file.exists()], missing="there is no file yet")


def _token_file(file: Path | None) -> Check:
    return _private(
        "files.token", [file] if file is not None and file.exists() else [], missing="no token file was given"
    )


def _private(name: str, files: list[Path], *, missing: str) -> Check:
    if not files:
        return skipped(name, missing)
    if os.name != "posix":
        return skipped(name, "this system keeps its permissions elsewhere")
    advice = f"run: chmod 600 {' '.join(map(str, files))}"
    modes = {file: stat.S_IMODE(file.stat().st_mode) for file in files}
    for file, mode in modes.items():
        if mode & (stat.S_IWGRP | stat.S_IWOTH):
            return problem(name, f"others than the owner may write to {file} (mode {mode:04o})", advice)
    for file, mode in modes.items():
        if mode & (stat.S_IRGRP | stat.S_IROTH):
            return warning(name, f"others than the owner may read {file} (mode {mode:04o})", advice)
    return ok(name, f"only their owner may read {', '.join(map(str, files))}")

"""A command of one's own as a target: ``PROGRAM put PATH``, ``get PATH``, ``list`` and ``delete PATH``."""

from __future__ import annotations

import os
import shlex
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from neonpay.backup.targets import PATH, Listed
from neonpay.errors import BackupCopyError, ConfigurationError

_PATIENCE_S: Final = 900.0
_LIST_MOST_BYTES: Final = 64 * 2**20
_OURS: Final = "NEONPAY_"


class CommandTarget:
    """What a program reaches that is told what to do by its last arguments.

    ``put`` has the file on standard input, ``get`` writes it to standard output, ``list`` writes the path of each file in a
    line. What it writes to standard error goes where the errors of this process go, and is kept nowhere, since there may be
    secrets in it. It is given no variable of neonpay's, and no shell is between.
    """

    def __init__(self, arguments: tuple[str, ...]) -> None:
        self._arguments = arguments

    @classmethod
    def of(cls, line: str) -> CommandTarget:
        """The program of a line, with arguments as a shell would part them; raises ConfigurationError when it names none."""
        try:
            arguments = tuple(shlex.split(line, posix=os.name == "posix"))
        except ValueError:
            arguments = ()
        if not arguments:
            msg = 'a command that keeps copies is "command:program arguments", as in "command:./offsite.sh"'
            raise ConfigurationError(msg)
        return cls(arguments)

    @property
    def name(self) -> str:
        """The program; its arguments may be secret."""
        return f"command {Path(self._arguments[0]).name}"

    def put(self, path: str, data: bytes) -> None:
        """The program has taken the file."""
        self._run("put", path, given=data)

    def get(self, path: str, most_bytes: int) -> bytes:
        """What the program has written."""
        return self._run("get", path, most_bytes=most_bytes)

    def list(self) -> Mapping[str, Listed]:
        """The paths that the program has listed; it tells neither sizes nor times."""
        lines = self._run("list", most_bytes=_LIST_MOST_BYTES).decode("utf-8", "replace").splitlines()
        return {path: Listed() for path in map(str.strip, lines) if PATH.fullmatch(path)}

    def delete(self, path: str) -> None:
        """The program has removed the file."""
        self._run("delete", path)

    def _run(self, *words: str, given: bytes = b"", most_bytes: int = 2**16) -> bytes:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        try:
            with subprocess.Popen(  # noqa: S603  # the program that the settings name
                [*self._arguments, *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
            ) as running:
                return self._talk(running, words, given, most_bytes)
        except OSError as exc:
            msg = f"{self.name} {' '.join(words)} cannot be run: {exc.strerror or exc}"
            raise BackupCopyError(msg) from exc

    def _talk(self, running: subprocess.Popen[bytes], words: tuple[str, ...], given: bytes, most_bytes: int) -> bytes:
        assert running.stdin is not None
        assert running.stdout is not None
        too_long = threading.Timer(_PATIENCE_S, running.kill)
        feeding = threading.Thread(target=_feed, args=(running, given), name="neonpay-backup-command")
        too_long.start()
        feeding.start()
        try:
            said = running.stdout.read(most_bytes + 1)
            if len(said) > most_bytes:
                running.kill()
            code = running.wait()
        finally:
            running.kill()
            too_long.cancel()
            feeding.join()
        what = f"{self.name} {' '.join(words)}"
        if len(said) > most_bytes:
            msg = f"{what} has written more than {most_bytes} bytes"
            raise BackupCopyError(msg)
        if code:
            msg = f"{what} has ended with {code}; what it said is in the output of this program"
            raise BackupCopyError(msg)
        return said


def _feed(running: subprocess.Popen[bytes], given: bytes) -> None:
    assert running.stdin is not None
    try:
        with running.stdin:
            running.stdin.write(given)
    except OSError:
        pass  # it has ended without reading all; its exit code, and what is read back, say whether that was right

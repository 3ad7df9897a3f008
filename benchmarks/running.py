"""Contenders: programs that deliver paid updates, each run in a process of its own with an empty folder."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from environments import python_with

_SCRIPTS = Path(__file__).parent / "contenders"


class ContenderFailedError(Exception):
    """A contender ended without a result; the message has the end of what it wrote."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One program.

    Attributes:
        name: as the table shows it.
        script: its file in ``contenders/``.
        requirements: what its environment needs; when there are none it runs in this one.
        share: part of the updates that it gets, for one that would take minutes over all of them.
    """

    name: str
    script: str
    requirements: tuple[str, ...] = ()
    share: float = 1.0

    def python(self) -> Path:
        """Its interpreter; raises NotInstallableError when it cannot have one."""
        return python_with(*self.requirements) if self.requirements else Path(sys.executable)


BARE = Contender("bare aiogram", "bare_aiogram.py")
OURS = Contender("neonpay", "this_neonpay.py")
AIOGRAM_STARS = Contender("aiogram-stars 0.2.0", "with_aiogram_stars.py", ("aiogram-stars[sqlite]==0.2.0",), share=0.1)
NEONPAY_2 = Contender("neonpay 2.6.0", "with_neonpay_2.py", ("neonpay==2.6.0",))


@dataclass(frozen=True, slots=True)
class Load:
    """How many paid updates a contender gets, and how many are under way at the same time."""

    updates: int
    warm_up: int
    in_flight: int

    def arguments(self, share: float) -> list[str]:
        """The command line of a contender, short of the folder."""
        return [str(max(1, int(self.updates * share))), str(max(1, int(self.warm_up * share))), str(self.in_flight)]


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one contender."""

    cpu_us: float
    """Processor time of all threads per paid update, in microseconds."""
    over_bare: float
    """That, over what bare aiogram took for the same updates in turns with it."""
    per_s: float
    """Paid updates per second of wall time."""
    lost: int
    """Paid updates that were not delivered."""

    @classmethod
    def median_of(cls, runs: Sequence[Measured]) -> Measured:
        """The medians of several runs, and everything that any of them lost."""
        return cls(
            cpu_us=median(run.cpu_us for run in runs),
            over_bare=median(run.over_bare for run in runs),
            per_s=median(run.per_s for run in runs),
            lost=sum(run.lost for run in runs),
        )


def run(contender: Contender, python: Path, load: Load) -> Measured:
    """Measure a contender once.

    Raises:
        ContenderFailedError: it did not come to its end.
    """
    with tempfile.TemporaryDirectory(prefix="neonpay-bench-") as folder:
        command = [str(python), str(_SCRIPTS / contender.script), *load.arguments(contender.share), folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ContenderFailedError(f"{contender.name} failed:\n{done.stderr[-2000:]}")
    result = json.loads(done.stdout.splitlines()[-1])
    updates = result["n"]
    return Measured(
        cpu_us=result["cpu_s"] / updates * 1e6,
        over_bare=result["cpu_s"] / result["bare_cpu_s"],
        per_s=updates / result["wall_s"],
        lost=updates - result["delivered"],
    )

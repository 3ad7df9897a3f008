"""The settings of one life of a shop, as its process gets them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Life:
    """From one start of a shop's process to its death.

    Attributes:
        ahead_s: how far its clock runs ahead of the machine's.
        moves_clock: whether it has a clock of its own, which SIGUSR1 moves on by an hour and SIGUSR2 back by one, and whose
            every reading is a point at which it may die. Without one it goes by the clocks of machine and database.
        crash_at: name of the point at which it dies, or None.
        crash_on: at the how manieth time.
        fuse: number of the point at which it dies, whatever its name, or None.
        repeat: what a second payment of an invoice means.
        level: ``A`` tells Telegram that an update arrived after it was handled; ``B`` before that, as aiogram does by itself.
        waits_for_delivery: whether an update of a payment counts as handled when the payment has been delivered.
        socket_path: where it listens for updates; without one it polls.
        calls_path: the file that stands for somebody's service, a line for each call; without one, buyers are told.
        thanks: whether buyers get the thank-you message.
        handlers: the handlers that this program of the shop has.
        owners: who is told of each sale by the bot itself.
        told_url: a program that is told of each sale.
    """

    token: str
    base_url: str
    database_url: str
    ahead_s: float = 0.0
    moves_clock: bool = True
    crash_at: str | None = None
    crash_on: int = 1
    fuse: int | None = None
    repeat: str = "again"
    level: Literal["A", "B"] = "A"
    waits_for_delivery: bool = True
    socket_path: str | None = None
    calls_path: str | None = None
    thanks: bool = True
    lease_s: float = 30.0
    poll_s: float = 0.1
    reconcile_every_s: float | None = 600.0
    handlers: tuple[str, ...] = ("credit", "deliver", "revoke")
    owners: tuple[int, ...] = ()
    told_url: str | None = None

    def line(self) -> str:
        """The settings as one line of text."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def from_line(cls, line: str) -> Life:
        return cls(**json.loads(line))

"""What one update costs the caller with ``Tracking`` in use, in microseconds: from the update of the library to the buffer.

python -m benchmarks.seen
"""

from __future__ import annotations

import statistics
from datetime import UTC, datetime
from time import perf_counter

from aiogram.types import Chat, Message, Update, User

from neonpay.adapters._common.seeing import tell_of, tell_of_plain
from neonpay.core.clock import SystemClock
from neonpay.payments.extensions_used import Extensions
from neonpay.tracking import Tracking
from neonpay.tracking.buffer import SoftBuffer

_UPDATES = 10_000
_ROUNDS = 20
_BOT_ID = 42


class _Sink:
    """What an adapter hands over to, as far as this is concerned."""

    def __init__(self, extensions: Extensions) -> None:
        self.seen = extensions.see


def main() -> None:
    """Print the median of the rounds, for an object and for plain JSON."""
    clock = SystemClock()
    tracking, extensions = Tracking(), Extensions()
    extensions.add(tracking)
    sink = _Sink(extensions)
    person = User(id=7, is_bot=False, first_name="Ann", language_code="en")
    message = Message(
        message_id=1,
        date=datetime.fromtimestamp(0, UTC),
        chat=Chat(id=7, type="private"),
        from_user=person,
        text="/start ad_7",
    )
    update = Update(update_id=1, message=message)
    plain = update.model_dump(mode="json", by_alias=True, exclude_none=True)
    for name, tell, given in (("object", tell_of, update), ("plain", tell_of_plain, plain)):
        rounds = []
        for _ in range(_ROUNDS):
            tracking.count_into(SoftBuffer(clock=clock))
            began_s = perf_counter()
            for _ in range(_UPDATES):
                tell(sink, _BOT_ID, given, clock)  # type: ignore[arg-type]  # the part of a sink that is used
            rounds.append((perf_counter() - began_s) / _UPDATES * 1e6)
        print(f"{name}: {statistics.median(rounds):.2f} µs an update, {min(rounds):.2f} at best")


if __name__ == "__main__":
    main()

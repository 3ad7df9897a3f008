"""Where a bot's updates stand, and those that it has missed."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from neonpay.simulator.mtproto.writing import Writer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.mtproto.asked import Asked, Method
    from neonpay.simulator.mtproto.tl import TlObject


async def get_state(asked: Asked) -> TlObject:
    """The numbers of the newest updates."""
    stream = asked.line.stream(asked.me)
    now = int(asked.line.world.clock.now())
    return asked.line.tl.make("updates.State", pts=stream.pts, qts=stream.qts, date=now, seq=0, unread_count=0)


async def get_difference(asked: Asked) -> TlObject:
    """The messages since a number; queries are not kept for whoever was away."""
    tl, stream = asked.line.tl, asked.line.stream(asked.me)
    missed = [message for pts, message in sorted(stream.messages.items()) if pts > asked.request.pts]
    if not missed:
        return tl.make("updates.DifferenceEmpty", date=int(asked.line.world.clock.now()), seq=0)
    writer = Writer(tl, asked.me, asked.line.world.accounts)
    return tl.make(
        "updates.Difference",
        new_messages=[writer.message(message) for message in missed],
        new_encrypted_messages=[],
        other_updates=[],
        chats=[],
        users=writer.users(message["chat"]["id"] for message in missed),
        state=await get_state(asked),
    )


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {"updates.GetDifference": get_difference, "updates.GetState": get_state}
)

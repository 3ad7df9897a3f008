"""Requests to join that a guard bot decides on.

A guard is asked with a ``query_id`` and has ten seconds to decide or to show a Mini App (API, ChatJoinRequest.query_id; the
results are those of TDLib's answerChatJoinRequestQuery, commit 022d602, both read 2026-11-28). UNVERIFIED: that a request which
it does not answer is left to the administrators, as one that it queues is, and that a Mini App has no deadline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from neonpay.simulator.chats.accounts import BotAccount, UserAccount
    from neonpay.simulator.chats.groups import Group
    from neonpay.simulator.clock import SteppedClock

DEADLINE_S: Final = 10.0
"""Time that a guard has (API, ChatJoinRequest.query_id)."""


@dataclass(slots=True, eq=False)
class JoinQuery:
    """A request that waits for a guard.

    Attributes:
        web_app_url: the Mini App that the guard shows; empty until it does.
        queue: leaves the request to the administrators.
    """

    id: str
    guard: BotAccount
    group: Group
    person: UserAccount
    queue: Callable[[], object]
    web_app_url: str = ""


class JoinQueries:
    """What guards have been asked and have not answered."""

    def __init__(self, clock: SteppedClock, random: Random) -> None:
        self._clock = clock
        self._random = random
        self._open: dict[str, JoinQuery] = {}

    def ask(self, guard: BotAccount, group: Group, person: UserAccount, *, queue: Callable[[], object]) -> JoinQuery:
        """A new question; without an answer in time the request is queued."""
        query = JoinQuery(str(self._random.randrange(2**61, 2**62)), guard, group, person, queue)
        self._open[query.id] = query
        what = f"deadline for the guard of {group.title} to decide on {person.first_name}"
        self._clock.call_after(DEADLINE_S, lambda: self._expire(query), what=what)
        return query

    def waiting(self, query_id: str, guard: BotAccount) -> JoinQuery | None:
        """The question that this bot may answer; None when there is none, or somebody else has decided."""
        query = self._open.get(query_id)
        if query is None or query.guard is not guard or query.person.id not in query.group.requests:
            return None
        return query

    def shown_to(self, person: UserAccount, group: Group) -> str:
        """The address of the Mini App that a guard shows somebody; empty when it shows none."""
        urls = (query.web_app_url for query in self._open.values() if query.person is person and query.group is group)
        return next((url for url in urls if url), "")

    def end(self, query: JoinQuery) -> None:
        """Forget an answered question."""
        self._open.pop(query.id, None)

    def _expire(self, query: JoinQuery) -> None:
        if query.web_app_url or self.waiting(query.id, query.guard) is None:
            return
        self.end(query)
        query.queue()

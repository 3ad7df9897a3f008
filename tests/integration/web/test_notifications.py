"""The page of notifications: what has not arrived, each attempt at it, and sending it again, which is written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from neonpay.core.clock import moment
from neonpay.ledger.tables_access import audit
from neonpay.ledger.tables_notifications import notifications
from neonpay.notifications import NotificationType, queue
from neonpay.notifications.note import Note, note_id
from neonpay.notifications.queue import Queued
from neonpay.web.access.roles import Role
from tests.integration.web.visiting import PASSWORD, admit, form_token, send

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.ledger import Transaction
    from tests.integration.conftest import MovableClock, Shop
    from tests.integration.web.conftest import Served

DEAD = note_id("dead")


def told(transaction: Transaction, bot_id: int, now_us: int) -> None:
    """One message that has not arrived, and one that waits."""
    for name, channel, to in (
        ("dead", NotificationType.SLACK, "https://hooks.slack.com/services/T0SECRET"),
        ("waits", NotificationType.EMAIL, "owner@example.com"),
    ):
        note = Note(
            note_id=note_id(name),
            channel=channel,
            recipient=to,
            subject="<b>A payment</b>",
            body="-",
            kind="payment_needs_attention",
            at=moment(now_us),
        )
        queue.put(transaction, bot_id, [Queued(note=note, due_at_us=now_us)])
        if name == "dead":
            one = Queued(note=note, due_at_us=now_us)
            queue.note_attempt(transaction, bot_id, [one], at_us=now_us, took_us=40_000, error="slack: answered 404")
            queue.end(transaction, bot_id, [one], state=queue.DEAD, at_us=now_us, error="slack: answered 404")


async def test_what_has_not_arrived_is_seen_and_sent_again_by_who_may(
    shop: Shop, served: Served, query: Callable[..., Any], clock: MovableClock
) -> None:
    await shop.neonpay.setup()
    bot_id = shop.neonpay.program.adapter.bot_id
    async with served() as http:
        assert "Nobody has been told anything yet." in await (await http.get("/notifications/")).text()
        await shop.neonpay.program.pipeline.ledger.run(told, bot_id, clock.now_us())
        await admit(shop)
        await admit(shop, "bob", Role.VIEWER)
        one = f"/notifications/{bot_id}/{DEAD}"
        await send(http, "/login", name="bob", password=PASSWORD)
        page = await (await http.get("/notifications/")).text()
        assert "1 message has not arrived." in page
        assert "T0SECRET" not in page
        only = await (await http.get("/notifications/?state=waiting&channel=email")).text()
        assert ("owner@example.com" in only, "hooks.slack.com" in only) == (True, False)
        shown = await (await http.get(one)).text()
        assert ("slack: answered 404" in shown, "&lt;b&gt;A payment" in shown) == (True, True)
        assert f"{one}/again" not in shown
        refused = await http.post(f"{one}/again", data={"form_token": await form_token(http, "/")})
        assert refused.status == 403
        await send(http, "/logout", "/")
        await send(http, "/login", name="ann", password=PASSWORD)
        assert (await http.post(f"{one}/again", data={})).status == 403
        for _ in range(2):
            again = await http.post(
                f"{one}/again", data={"form_token": await form_token(http, "/")}, allow_redirects=False
            )
            assert (again.status, again.headers["Location"]) == (303, f"{one}?done=again")
        russian = await (await http.get(f"{one}?done=again", headers={"Accept-Language": "ru"})).text()
        assert "Сообщение ждёт повторной отправки." in russian
        assert (await http.get(f"/notifications/{bot_id}/ntf_{'0' * 32}")).status == 404
    assert await query(sa.select(notifications.c.state).where(notifications.c.note_id == DEAD)) == [("waiting",)]
    acts = sa.select(audit.c.who, audit.c.subject).where(audit.c.act == "notification.resend")
    assert await query(acts) == [("ann", DEAD)]

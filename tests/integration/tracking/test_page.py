"""The guide to tracking, run as its page prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.unit.docs.blocks import programs

if TYPE_CHECKING:
    import pytest

    from tests.integration.conftest import Shop


async def test_the_page_counts_visitors_looks_and_sources_and_forgets_a_person(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    (page,) = programs("docs/howto/track-visitors.md")
    there: dict[str, Any] = {"bot": shop.bot, "dispatcher": shop.dispatcher, "neonpay": shop.neonpay}
    exec(page.source, there)  # noqa: S102 - the page's own code

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: Any) -> None: ...

    async with shop.polling():
        ann, bob = shop.telegram.user("Ann", stars=1000), shop.telegram.user("Bob", stars=1000)
        await ann.says("/start ad_7", to=shop.account)
        await bob.says("/start", to=shop.account)
        await ann.says("/start ad_8", to=shop.account)
        await there["show_catalogue"](ann.id)
        await shop.sells(ann)
        visitors, _, _ = await there["look_back"]()
        await there["forget"](ann.id)
        left = await shop.neonpay.tracking.count(by="source", kind="user_started", people=True)
    assert visitors == {"": 1, "ad_7": 1, "ad_8": 1}
    assert left == {"": 1}
    assert "'names': 1, 'first_touch': 1, 'languages': 1, 'soft_events': 3" in capsys.readouterr().out

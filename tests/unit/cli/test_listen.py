"""``neonpay listen`` says when no program of the shop is at work, and when one is again."""

from __future__ import annotations

from neonpay.cli.listen import AWAY_LOOKS, ShopWatch

AWAY = "No program of the shop has been at work for over a minute. What happens is posted when one is."
AGAIN = "A program of the shop is at work again."


def test_a_shop_that_stops_and_starts_again_is_said_once_each() -> None:
    watch = ShopWatch()
    assert {watch.looked((turn, None)) for turn in range(3 * AWAY_LOOKS)} == {None}
    stopped = [watch.looked((-1, None)) for _ in range(3 * AWAY_LOOKS)]
    assert [words for words in stopped if words] == [AWAY]
    assert stopped.index(AWAY) == AWAY_LOOKS
    assert [watch.looked((-2, 7)), watch.looked((-3, None))] == [AGAIN, None]


def test_a_shop_of_which_nothing_was_ever_heard_is_not_at_work() -> None:
    watch = ShopWatch()
    said = [watch.looked(None) for _ in range(3 * AWAY_LOOKS)]
    assert [words for words in said if words] == [AWAY]

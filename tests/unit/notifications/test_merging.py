"""What several messages to one person say as one."""

from __future__ import annotations

from neonpay.core.clock import moment
from neonpay.notifications.kinds import NotificationType
from neonpay.notifications.merging import merged
from neonpay.notifications.note import Note

LINK = "https://shop.example/orders/" + "o" * 60


def note(body: str) -> Note:
    return Note(
        note_id=body,
        channel=NotificationType.TELEGRAM,
        recipient="1",
        subject="Dead letter",
        body=body,
        kind="fulfilment_abandoned",
        at=moment(0),
    )


def lines(body: str) -> list[str]:
    return merged([note(body), note("and another")], "en").body.splitlines()


def test_a_long_id_takes_no_room_from_what_is_said_about_it() -> None:
    said = f"Product: vip\nCharge: stx{'a' * 140}\nWhy: the key server did not answer"
    assert lines(said)[1] == "• Product: vip Charge: stxaaaaaaaaaaaaaaaaa… Why: the key server did not answer"


def test_an_address_in_a_long_line_leads_where_it_led() -> None:
    assert LINK in lines(f"See {LINK} {'and more ' * 20}")[1]


def test_a_sentence_without_spaces_is_no_id() -> None:
    sentence = "鍵の配布サーバーが応答しませんでした" * 4
    assert sentence in lines(f"{sentence} {'a word ' * 20}")[1]

"""Addresses and subjects beyond ASCII, names beside addresses, and servers that take neither."""

from __future__ import annotations

import email
from email.header import decode_header, make_header
from email.policy import SMTPUTF8, default
from email.utils import parseaddr
from typing import Any

import pytest

from neonpay.errors import ConfigurationError, NotificationDelayedError, NotificationRefusedError
from neonpay.notifications import NotificationConfig, NotificationManager, NotificationMessage, NotificationType
from tests.integration.notifications.mail_servers import Plain, plain


async def mailed(letters: Plain, recipient: str, subject: str = "Чай", **changed: Any) -> None:
    given: dict[str, Any] = {"smtp_host": "localhost", "smtp_from": "shop@example.com", "smtp_use_tls": False}
    config = NotificationConfig(**{**given, "smtp_port": letters.port, **changed})
    async with NotificationManager(config) as manager:
        await manager.send_notification(
            NotificationMessage(NotificationType.EMAIL, recipient, subject=subject, body="-")
        )


def head(raw: bytes) -> bytes:
    return raw.partition(b"\r\n\r\n")[0]


async def test_a_domain_beyond_ascii_goes_to_any_server() -> None:
    async with plain() as letters:
        await mailed(letters, "owner@BÜCHER.example", smtp_from="shop@почта.рф")
        await mailed(letters, "owner@straße.example")
    assert [(sender, recipients) for sender, recipients, _ in letters.got] == [
        ("shop@xn--80a1acny.xn--p1ai", ["owner@xn--bcher-kva.example"]),
        ("shop@example.com", ["owner@xn--strae-oqa.example"]),  # and not to strasse.example, which is somebody else's
    ]
    letter = email.message_from_bytes(letters.got[0][2], policy=default)
    assert head(letters.got[0][2]).isascii()
    assert (letter["From"], letter["To"]) == (
        "shop@xn--80a1acny.xn--p1ai",
        "owner@xn--bcher-kva.example",
    )
    assert letter["Message-ID"].endswith("@xn--80a1acny.xn--p1ai>")


@pytest.mark.parametrize(
    ("sender", "recipient"),
    [
        ("shop@example.com", "владелец@почта.рф"),
        ("лавка@почта.рф", "owner@example.com"),
        ("лавка@example.com", "Ольга <владелец@example.com>"),
    ],
)
async def test_a_name_beyond_ascii_before_the_at_goes_to_a_server_that_takes_it(sender: str, recipient: str) -> None:
    async with plain(enable_SMTPUTF8=True) as letters:
        await mailed(letters, recipient, smtp_from=sender)
    wired = [one.replace("почта.рф", "xn--80a1acny.xn--p1ai") for one in (sender, recipient)]
    ((said_sender, said_recipients, raw),) = letters.got
    assert (said_sender, said_recipients) == (wired[0], [wired[1].partition("<")[2].rstrip(">") or wired[1]])
    assert "SMTPUTF8" in letters.said[0]
    letter = email.message_from_bytes(raw, policy=SMTPUTF8)
    assert (letter["From"], letter["To"]) == tuple(wired)


async def test_a_server_that_does_not_take_it_is_called_so_and_what_to_do() -> None:
    async with plain() as letters:
        with pytest.raises(NotificationRefusedError) as refused:
            await mailed(letters, "владелец@example.com")
        with pytest.raises(NotificationDelayedError) as waits:
            await mailed(letters, "owner@example.com", smtp_from="лавка@example.com")
    server = f"the mail server localhost:{letters.port} takes no address that is not in ASCII before its @"
    assert str(refused.value) == (
        f"email: {server}, as the recipient's is: name another address of theirs, or a server that offers SMTPUTF8"
    )
    assert str(waits.value) == (
        f"email: {server}, as the sender's is: set smtp_from (NEONPAY_NOTIFY_SMTP_FROM) to one that is, "
        "or name a server that offers SMTPUTF8"
    )
    assert letters.got == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Tea Shop", "Tea Shop"),
        ("Чайная лавка «Ольга» 🍵", "Чайная лавка «Ольга» 🍵"),
        ('"Tea, Ltd: shop@home"', "Tea, Ltd: shop@home"),
        ('"Чай, лавка; чай@дом"', "Чай, лавка; чай@дом"),
        ("Очень " * 20 + "длинно", "Очень " * 20 + "длинно"),
    ],
)
async def test_a_name_stands_beside_an_address(name: str, shown: str) -> None:
    async with plain() as letters:
        await mailed(letters, f"{name} <owner@example.com>", smtp_from=f"{name} <shop@example.com>")
    ((sender, recipients, raw),) = letters.got
    assert (sender, recipients, head(raw).isascii()) == ("shop@example.com", ["owner@example.com"], True)
    letter = email.message_from_bytes(raw)
    for header, address in (("From", "shop@example.com"), ("To", "owner@example.com")):
        read, rest = parseaddr(letter[header].replace("\n", ""))
        assert (str(make_header(decode_header(read))), rest) == (shown, address)


async def test_no_word_of_a_subject_runs_into_the_next() -> None:
    subjects = ["Платёж ждёт вашего решения: " + "возврат не удался совсем " * many + "5 звёзд 🎉" for many in range(7)]
    subjects += ["x here " + "звёзд words звёзд ждёт Платёж вашего вашего " * many + "5" for many in range(4)]
    async with plain() as letters:
        for subject in subjects:
            await mailed(letters, "owner@example.com", subject=subject)
    read = [email.message_from_bytes(raw)["Subject"].replace("\n", "") for *_, raw in letters.got]
    assert [str(make_header(decode_header(one))) for one in read] == subjects
    assert all(head(raw).isascii() and len(max(raw.split(b"\r\n"), key=len)) <= 998 for *_, raw in letters.got)


@pytest.mark.parametrize(
    "recipient",
    [
        "a@b.c, Olga <x@y.z>",
        "Olga <a@b.c>, x@y.z",
        "Olga <a@b.c> <x@y.z>",
        "Olga\r\nBcc: x@y.z <a@b.c>",
        "Olga <a@b.c",
        "Olga <>",
        "Olga <Oleg>",
        "ольга ольга@example.com",
        "\u202eюля@example.com",
        "юля\u00a0юля@example.com",
        "ольга..я@example.com",
        "ольга@",
        "ольга@-.рф",
        "owner@пример..рф",
        "owner@\u202eюля.рф",
        "owner@" + "я" * 64 + ".рф",
        "ольга<x@y.z>@example.com",
        "\ud800@example.com",
    ],
)
async def test_what_is_no_address_is_refused_before_a_server_is_asked(recipient: str) -> None:
    async with plain(enable_SMTPUTF8=True) as letters:
        with pytest.raises(NotificationRefusedError, match=r"that is no address of mail, such as owner@example\.com"):
            await mailed(letters, recipient)
    assert letters.said == []


@pytest.mark.parametrize("sender", ["Лавка", "лавка@пример..рф", "Лавка <shop>"])
async def test_a_sender_that_is_no_address_is_said_at_once(sender: str) -> None:
    with pytest.raises(ConfigurationError, match=r"set smtp_from \(NEONPAY_NOTIFY_SMTP_FROM\)"):
        async with plain() as letters:
            await mailed(letters, "owner@example.com", smtp_from=sender)

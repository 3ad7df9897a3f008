"""Each channel, against a real receiver."""

from __future__ import annotations

import asyncio
import email
import json
import ssl
from email.policy import default
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from neonpay.core.webhook_signing import keys_of, new_secret, verify
from neonpay.errors import ConfigurationError, NotificationDelayedError, NotificationRefusedError, ValidationError
from neonpay.notifications import (
    NotificationConfig,
    NotificationManager,
    NotificationMessage,
    Notifications,
    NotificationType,
)
from neonpay.simulator import Simulator
from tests.integration.conftest import MovableClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Shop
    from tests.integration.notifications.conftest import Letters, Receiver

SECRET = new_secret(lambda count: b"n" * count)
NASTY = "<!channel> @everyone **bold** <b>x</b> \u202e שלום 🎉"


def mailing(letters: Letters, **changed: Any) -> NotificationConfig:
    given: dict[str, Any] = {
        "smtp_host": "localhost",
        "smtp_port": letters.port,
        "smtp_username": "shop@example.com",
        "smtp_password": "tea",
        "smtp_ca_file": letters.ca_file,
    }
    return NotificationConfig(**{**given, **changed})


async def sent(config: NotificationConfig, channel: NotificationType, recipient: str = "", **message: Any) -> Any:
    async with NotificationManager(config, clock=MovableClock()) as manager:
        return await manager.send_notification(NotificationMessage(channel, recipient, **message))


async def test_mail_goes_over_tls_as_text_and_html(letters: Letters) -> None:
    await sent(mailing(letters), NotificationType.EMAIL, "owner@example.com", subject="Sold", body=f"3 < 4\n{NASTY}")
    ((sender, recipients, raw),) = letters.got
    letter = email.message_from_bytes(raw, policy=default)
    assert (sender, recipients) == ("shop@example.com", ["owner@example.com"])
    assert letter["Subject"] == "Sold"
    plain, html = letter.iter_parts()
    assert plain.get_content().split("\r\n") == ["3 < 4", NASTY, ""]
    assert "3 &lt; 4<br>" in html.get_content()
    assert "<b>x</b>" not in html.get_content()


async def test_a_subject_cannot_begin_another_header(letters: Letters) -> None:
    await sent(
        mailing(letters), NotificationType.EMAIL, "owner@example.com", subject="Hi\r\nBcc: thief@example.com", body="-"
    )
    letter = email.message_from_bytes(letters.got[0][2], policy=default)
    assert letter["Bcc"] is None
    assert letter["Subject"] == "Hi Bcc: thief@example.com"


@pytest.mark.parametrize("recipient", ["a@b.c\r\nRCPT TO:<x@y.z>", "a@b.c, x@y.z", "nobody", "<a@b.c>", "a@"])
async def test_what_is_no_address_is_refused_before_a_server_is_asked(letters: Letters, recipient: str) -> None:
    with pytest.raises(NotificationRefusedError):
        await sent(mailing(letters), NotificationType.EMAIL, recipient, body="-")
    assert letters.got == []


async def test_what_a_mail_server_says_decides_whether_to_try_again(letters: Letters) -> None:
    letters.refusals += ["550 no such user", "451 come back later"]
    with pytest.raises(NotificationRefusedError, match="550: no such user"):
        await sent(mailing(letters), NotificationType.EMAIL, "a@example.com", body="-")
    with pytest.raises(NotificationDelayedError, match="451: come back later"):
        await sent(mailing(letters), NotificationType.EMAIL, "a@example.com", body="-")


async def test_a_wrong_password_is_not_shown_and_not_the_end(letters: Letters) -> None:
    with pytest.raises(NotificationDelayedError, match="does not let smtp_username in") as caught:
        await sent(mailing(letters, smtp_password="coffee"), NotificationType.EMAIL, "a@example.com", body="-")
    assert "coffee" not in str(caught.value)


async def test_mail_is_not_sent_to_a_server_whose_certificate_nobody_vouches_for(letters: Letters) -> None:
    with pytest.raises(NotificationDelayedError):
        await sent(mailing(letters, smtp_ca_file=None), NotificationType.EMAIL, "a@example.com", body="-")
    assert letters.got == []


async def test_a_webhook_is_signed(receiver: Receiver) -> None:
    clock = MovableClock()
    config = NotificationConfig(webhook_url=f"{receiver.url}/hook", webhook_secret=SECRET)
    told = await sent(config, NotificationType.WEBHOOK, subject="Sold", body=NASTY, metadata={"order": 7})
    (post,) = receiver.got
    headers = {name.lower(): value for name, value in post.headers.items()}
    verify(keys_of(SECRET), headers, post.body, clock.now_us() // 1_000_000)
    assert headers["webhook-id"] == told.note_id
    assert json.loads(post.body)["data"]["order"] == 7


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    receiver.answers.append(web.Response(status=status, headers={"Location": f"{receiver.url}/secret"}))
    with pytest.raises(NotificationRefusedError, match="redirect"):
        await sent(NotificationConfig(), NotificationType.WEBHOOK, f"{receiver.url}/hook", body="-")
    assert [post.path for post in receiver.got] == ["/hook"]


async def test_an_answer_that_asks_for_patience_gets_it(receiver: Receiver) -> None:
    receiver.answers.append(web.Response(status=429, headers={"Retry-After": "7"}))
    with pytest.raises(NotificationDelayedError) as caught:
        await sent(NotificationConfig(), NotificationType.WEBHOOK, receiver.url, body="-")
    assert caught.value.retry_after_s == 7


async def test_one_that_never_answers_is_given_up_in_time(receiver: Receiver) -> None:
    receiver.hangs = True
    with pytest.raises(NotificationDelayedError, match="no answer"):
        await sent(NotificationConfig(timeout_s=0.05), NotificationType.WEBHOOK, receiver.url, body="-")


@pytest.mark.parametrize(
    ("scheme", "speaks_tls", "says", "why"),
    [
        ("http", False, b"", "no answer: the connection was ended without one"),
        (
            "https",
            False,
            b"220 hello\r\n",
            "no answer: TLS is not spoken at the address; is it http:// or another port?",
        ),
        ("https", True, b"", "no answer: the certificate of the address is not trusted"),
    ],
)
async def test_why_nobody_answers_is_said_without_the_address(
    certificate: tuple[str, str], scheme: str, says: bytes, why: str, *, speaks_tls: bool
) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        await reader.read(1)
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if speaks_tls else None
    if context is not None:
        context.load_cert_chain(*certificate)
    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(NotificationDelayedError) as failed:
            await sent(NotificationConfig(), NotificationType.WEBHOOK, f"{scheme}://127.0.0.1:{port}/hook", body="Sold")
    assert str(failed.value).endswith(why)
    with pytest.raises(NotificationDelayedError) as closed:
        await sent(NotificationConfig(), NotificationType.WEBHOOK, f"{scheme}://127.0.0.1:{port}/hook", body="Sold")
    assert str(closed.value).endswith("no answer: nobody listens at the address")


async def test_slack_and_discord_are_told_without_a_mention(receiver: Receiver) -> None:
    config = NotificationConfig(slack_webhook_url=f"{receiver.url}/s", discord_webhook_url=f"{receiver.url}/d")
    await sent(config, NotificationType.SLACK, subject="Sold", body=NASTY)
    await sent(config, NotificationType.DISCORD, subject="Sold", body=NASTY)
    slack, discord = [json.loads(post.body) for post in receiver.got]
    assert "&lt;!channel&gt;" in slack["text"]
    assert (slack["mrkdwn"], slack["link_names"]) == (False, False)
    assert discord["allowed_mentions"] == {"parse": []}
    assert "\\*\\*bold" in discord["content"]


@pytest.mark.parametrize("channel", [NotificationType.SLACK, NotificationType.DISCORD])
async def test_a_text_that_is_too_long_is_cut_and_sent(receiver: Receiver, channel: NotificationType) -> None:
    config = NotificationConfig(slack_webhook_url=receiver.url, discord_webhook_url=receiver.url)
    await sent(config, channel, body="🎉" * 10_000)
    told = json.loads(receiver.got[0].body)
    assert (told.get("text") or told.get("content")).endswith("🎉…")


async def test_a_token_that_telegram_does_not_know_is_not_the_end_of_a_message(telegram: Simulator) -> None:
    account = telegram.bot("watch_bot")
    revoked = f"{account.token.partition(':')[0]}:AAAA"
    config = NotificationConfig(telegram_bot_token=revoked, telegram_base_url=telegram.base_url)
    with pytest.raises(NotificationDelayedError, match=r"set telegram_bot_token \(NEONPAY_NOTIFY_TELEGRAM_BOT_TOKEN\)"):
        await sent(config, NotificationType.TELEGRAM, "123456789", body="-")


async def test_who_has_never_started_the_bot_is_asked_to(telegram: Simulator) -> None:
    account = telegram.bot("watch_bot")
    config = NotificationConfig(telegram_bot_token=account.token, telegram_base_url=telegram.base_url)
    with pytest.raises(
        NotificationRefusedError, match="a person has to open the bot and press Start before it may write"
    ):
        await sent(config, NotificationType.TELEGRAM, str(telegram.user("Owner").id), body="-")


async def test_a_value_of_a_template_mentions_nobody_in_telegram_and_leaves_addresses_whole(
    telegram: Simulator,
) -> None:
    account, owner = telegram.bot("watch_bot"), telegram.user("Olga")
    await owner.says("/start", to=account)
    config = NotificationConfig(telegram_bot_token=account.token, telegram_base_url=telegram.base_url)
    details = "ask @everyone\u202e or ann@example.com"
    values = {"alert_type": "odd", "user_id": 7, "details": details}
    async with NotificationManager(config) as manager:
        await manager.send_template_notification("security_alert", str(owner.id), values)
        await manager.send_notification(NotificationMessage("telegram", str(owner.id), body="ask @everyone"))
    told, own = [await owner.hears(account) for _ in range(2)]
    assert (told.text or "").endswith("ask @\u2060everyone or ann@example.com")
    assert not any(entity.type == "mention" for entity in told.entities or ())
    assert own.text == "ask @everyone", "what a program writes itself is its own"


async def test_a_group_that_has_become_a_supergroup_is_to_be_named_anew(receiver: Receiver) -> None:
    upgraded = {
        "ok": False,
        "error_code": 400,
        "description": "Bad Request: group chat was upgraded to a supergroup chat",
        "parameters": {"migrate_to_chat_id": -1_001_234_567_890},
    }
    receiver.answers.append(web.json_response(upgraded, status=400))
    config = NotificationConfig(telegram_bot_token="7:AAAA", telegram_base_url=receiver.url)
    with pytest.raises(NotificationRefusedError, match="it has another id now, which begins with -100"):
        await sent(config, NotificationType.TELEGRAM, "-123", body="-")


async def test_a_bot_of_its_own_writes_in_telegram(telegram: Simulator) -> None:
    account = telegram.bot("watch_bot")
    owner = telegram.user("Owner")
    await owner.says("/start", to=account)
    config = NotificationConfig(
        telegram_bot_token=account.token, telegram_admin_chat_id=owner.id, telegram_base_url=telegram.base_url
    )
    await sent(config, NotificationType.TELEGRAM, "admin_chat_id", subject="<b>Sold</b>", body="🎉" * 3000)
    message = await owner.hears(account)
    assert message.text is not None
    assert message.text.startswith("<b>Sold</b>\n\n🎉")
    assert len(message.text.encode("utf-16-le")) // 2 <= 4096
    with pytest.raises(NotificationRefusedError, match="chat not found"):
        await sent(config, NotificationType.TELEGRAM, "987654321", body="-")


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # of Apprise, in its own modules
async def test_whatever_apprise_knows_is_told(receiver: Receiver) -> None:
    address = receiver.url.removeprefix("http://")
    config = NotificationConfig(sms_provider=f"json://{address}/{{recipient}}?key={{key}}", sms_api_key="k&y")
    await sent(config, NotificationType.SMS, "+15550100", subject="Sold", body="Tea")
    (post,) = receiver.got
    assert post.path == "/+15550100"
    assert json.loads(post.body)["message"] == "Tea"


def test_what_shows_a_configuration_shows_no_secret() -> None:
    config = NotificationConfig(
        smtp_password="p4ss", telegram_bot_token="1:tok3n", webhook_secret=SECRET, sms_provider="a://s3cret",
        sms_api_secret="k3y", slack_webhook_url="https://hooks.slack.com/services/T0",
        discord_webhook_url="https://discord.com/api/webhooks/1/d1sc",
    )  # fmt: skip
    shown = repr(config) + str(NotificationManager(config).get_stats())
    for secret in ("p4ss", "tok3n", SECRET, "s3cret", "k3y", "T0", "d1sc"):
        assert secret not in shown


async def test_a_channel_that_is_not_set_up_says_what_it_needs() -> None:
    with pytest.raises(ConfigurationError, match="smtp_host"):
        await sent(NotificationConfig(), NotificationType.EMAIL, "a@example.com", body="-")


async def test_what_comes_back_shows_no_address(receiver: Receiver) -> None:
    url = f"{receiver.url}/SECRET"
    message = NotificationMessage(NotificationType.WEBHOOK, "", body="Tea")
    to_somebody = NotificationMessage(NotificationType.EMAIL, "olga@example.com", body="Tea")
    async with NotificationManager(NotificationConfig(webhook_url=url)) as manager:
        sent = await manager.send_notification(message)
        told = await manager.send_multiple_notifications([message])
    assert (sent.recipient, bool(sent)) == (url, True)
    shown = repr([sent, *told.values(), message, to_somebody])
    assert ("SECRET" in shown, "olga" in shown) == (False, False)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"notification_type": "fax"},
            "notification_type must be one of email, telegram, sms, webhook, slack, discord; got 'fax'",
        ),
        ({"priority": "urgent"}, "priority must be one of low, normal, high, critical; got 'urgent'"),
    ],
)
def test_a_message_of_no_kind_that_there_is_says_which_there_are(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        NotificationMessage(**{"notification_type": "email", "recipient": "olga@example.com", "body": "-", **values})
    with pytest.raises(ValidationError, match=words):
        NotificationManager().add_custom_template(
            "mine", **{"notification_type": "email", "subject": "-", "body": "-", "variables": (), **values}
        )


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        (NotificationType.EMAIL, "a message by email needs a recipient$"),
        (
            NotificationType.DISCORD,
            "a message by discord needs a recipient, or discord_webhook_url in NotificationConfig",
        ),
    ],
)
async def test_a_message_to_nobody_says_where_somebody_can_be_named(channel: NotificationType, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        await NotificationManager().send_notification(NotificationMessage(channel, "", body="-"))


async def test_the_templates_that_are_there_speak_the_language_of_whoever_reads(
    receiver: Receiver, open_shop: Callable[..., Shop]
) -> None:
    config = NotificationConfig(webhook_url=receiver.url)
    shop, other = open_shop(), open_shop()
    extension = other.neonpay.use(Notifications(config, language_code="ru"))
    managers = [
        NotificationManager(config, language_code="ru"),
        NotificationManager(config, neonpay=shop.neonpay, language_code="ru"),
        NotificationManager(notifications=extension),
    ]
    async with shop.neonpay, other.neonpay:
        for manager in managers:
            async with manager:
                values = {"user_id": 7, "amount": 21, "product_name": "Чай"}
                await manager.send_template_notification("payment_completed", "", values, NotificationType.WEBHOOK)
        posts = await receiver.has(3)
    assert {json.loads(post.body)["data"]["body"] for post in posts} == {"Пользователь 7 заплатил 21 звезду за Чай"}
    with pytest.raises(ConfigurationError, match="language_code is that of the extension"):
        NotificationManager(notifications=extension, language_code="en")

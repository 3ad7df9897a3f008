"""Secrets in text that comes from outside."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator

import pytest

from neonpay.core.secrecy import SecretFilter, guard_logs, mask, shows_secret
from neonpay.core.text import clean, error_words

SECRET = "AAH-k3Zz_0123456789abcdefghijklmnop"
TOKEN = f"7001234567:{SECRET}"
PASSWORD = "correct-horse/battery"


class _MuteError(Exception):
    def __str__(self) -> str:
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        f"Max retries exceeded with url: /bot{TOKEN}/sendMessage (Caused by ...)",
        f"https://api.telegram.org/file/bot{TOKEN}/photos/1.jpg",
        f"http://127.0.0.1:8081/bot{TOKEN}/test/getMe?x=1",
        f"https://proxy/?to=https%3A%2F%2Fapi%2Fbot{TOKEN.replace(':', '%3A')}%2FgetMe",
        f"https://proxy/?to={TOKEN.replace(':', '%253a')}",
        f"({TOKEN},)",
        f"'{TOKEN}'",
        f"one {TOKEN} and another 12345678:{SECRET}",
        f"http://localhost/bot1:{SECRET[:5]}/getMe",
    ],
)
def test_a_token_is_masked_wherever_it_stands(text: str) -> None:
    assert SECRET[:5] not in mask(text)


def test_whose_token_it_was_can_still_be_told() -> None:
    assert mask(f"/bot{TOKEN}/getMe") == "/bot7001234567:***/getMe"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"postgresql://shop:{PASSWORD}@db.example:5432/shop", "postgresql://shop:***@db.example:5432/shop"),
        (f"postgresql+asyncpg://:{PASSWORD}@db/shop", "postgresql+asyncpg://:***@db/shop"),
        (f"host=db password={PASSWORD} user=shop", "host=db password=*** user=shop"),
        (f"{{'password': '{PASSWORD}', 'port': 5432}}", "{'password': '***', 'port': 5432}"),
        (f"?user=shop&password={PASSWORD}&x=1", "?user=shop&password=***&x=1"),
        (f"X-Telegram-Bot-Api-Secret-Token: {PASSWORD}", "X-Telegram-Bot-Api-Secret-Token: ***"),
    ],
)
def test_a_password_is_masked_and_what_is_around_it_stays(text: str, shown: str) -> None:
    assert mask(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Bad Request: chat not found",
        "http://127.0.0.1:8081/_sim/users/1?to=a@b",
        "https://api.telegram.org:443",
        "12:30:45 the bot 7001234567 is away",
        'password authentication failed for user "shop"',
        "charge stxVkAoIBXtm0aKQ5mQG2CqvN_1234567:short",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert mask(text) == text


def test_text_is_masked_before_it_is_cut() -> None:
    assert SECRET[:4] not in clean(f"{'x' * 480}{TOKEN}")


def test_an_error_says_no_token() -> None:
    assert error_words(ConnectionError(f"no answer from /bot{TOKEN}/getMe")) == (
        "ConnectionError: no answer from /bot7001234567:***/getMe"
    )


@pytest.mark.parametrize(
    "text", ["9" * 400_000, f"{'1' * 200_000}:", "://a:" * 80_000, "password=" * 40_000, "bot1" * 99_999]
)
def test_masking_takes_time_that_grows_with_the_text_and_not_with_its_square(text: str) -> None:
    assert len(mask(text)) > 9


def _raised(cause: BaseException, *, hidden: bool = False) -> BaseException:
    try:
        try:
            raise cause
        except type(cause):
            message = "the order failed"
            if hidden:
                raise RuntimeError(message) from None
            raise RuntimeError(message)  # noqa: B904  # the context is what is tested
    except RuntimeError as error:
        return error


def test_an_error_shows_the_secrets_of_all_that_it_holds_on_to() -> None:
    cause = ConnectionError(f"/bot{TOKEN}/getMe")
    assert shows_secret(cause)
    assert shows_secret(_raised(cause))
    assert shows_secret(ExceptionGroup("several", [ValueError("a"), cause]))
    assert shows_secret(_raised(cause, hidden=True))
    about = ConnectionError("no route to host")
    vars(about)["request"] = {"url": f"/bot{TOKEN}/getMe"}
    assert shows_secret(about)
    assert not shows_secret(_raised(ConnectionError("no route to host")))
    assert not shows_secret(_MuteError())


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger("neonpay.tests.secrecy")
    logger.propagate = False
    yield logger
    logger.filters.clear()
    logger.handlers.clear()


@pytest.fixture
def written(logger: logging.Logger) -> Callable[[], str]:
    """What a handler of the host's writes."""
    stream = io.StringIO()
    logger.addHandler(logging.StreamHandler(stream))
    guard_logs()
    return stream.getvalue


def test_a_record_has_no_secret_in_its_message_its_arguments_and_its_traceback(
    logger: logging.Logger, written: Callable[[], str]
) -> None:
    kept: list[logging.LogRecord] = []
    keeper = logging.Handler()
    keeper.emit = kept.append  # type: ignore[method-assign]
    logger.addHandler(keeper)
    error = _raised(ConnectionError(f"/bot{TOKEN}/getMe"))
    logger.error("100 %% of %s failed: %s", f"/bot{TOKEN}/getMe", error, exc_info=error)
    logger.error(f"plain {TOKEN} 5 %", stack_info=True)  # noqa: G004
    logger.error({"a": TOKEN})
    assert SECRET not in written()
    assert "100 % of /bot7001234567:***/getMe failed: the order failed\nTraceback" in written()
    assert "ConnectionError: /bot7001234567:***/getMe" in written()
    assert SECRET not in repr([vars(record) for record in kept])


def test_a_record_has_no_secret_in_the_text_that_it_was_given_beside_its_message(logger: logging.Logger) -> None:
    logger.addFilter(SecretFilter([PASSWORD]))
    kept: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = kept.append  # type: ignore[method-assign]
    logger.addHandler(handler)
    logger.error("words", extra={"reason": f"{TOKEN} and {PASSWORD}", "stage_id": "vip", "amount_stars": 50})
    assert vars(kept[0])["reason"] == "7001234567:*** and ***"
    assert (vars(kept[0])["stage_id"], vars(kept[0])["amount_stars"]) == ("vip", 50)


def test_an_error_without_secrets_reaches_handlers_as_it_is(logger: logging.Logger, written: Callable[[], str]) -> None:
    kept: list[logging.LogRecord] = []
    keeper = logging.Handler()
    keeper.emit = kept.append  # type: ignore[method-assign]
    logger.addHandler(keeper)
    error = _raised(ConnectionError("no route to host"))
    logger.warning("%s failed", "it", exc_info=error)
    assert kept[0].exc_info is not None
    assert (kept[0].exc_info[1], kept[0].args) == (error, ("it",))


def test_a_message_whose_argument_cannot_be_shown_is_logged_all_the_same(
    logger: logging.Logger, written: Callable[[], str]
) -> None:
    logger.error("it failed: %s", _MuteError(), exc_info=_MuteError())
    logger.error("too few %s %s", TOKEN)  # noqa: PLE1206  # what is tested
    assert "it failed: %s (with an argument that cannot be shown: KeyboardInterrupt)" in written()
    assert "too few" in written()
    assert SECRET not in written()


def test_known_secrets_are_masked_without_a_form_if_they_are_no_ordinary_word() -> None:
    guard = SecretFilter(["blue-monkey-42", "shop"])
    record = logging.LogRecord("x", logging.INFO, "", 1, "the shop's %s", ("blue-monkey-42",), None)
    assert guard.filter(record)
    assert record.getMessage() == "the shop's ***"


def test_a_second_guard_adds_what_is_known_and_no_second_filter(logger: logging.Logger) -> None:
    guard_logs(["first-known-secret"])
    guard_logs(["second-known-secret"])
    stream = io.StringIO()
    logger.addHandler(logging.StreamHandler(stream))
    logger.error("first-known-secret second-known-secret")
    assert stream.getvalue() == "*** ***\n"
    assert len(logger.filters) == 1

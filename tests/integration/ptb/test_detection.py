"""Which objects of python-telegram-bot ``create_neonpay`` takes, and what it says of those that it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from telegram import Bot
from telegram.ext import Application, ApplicationBuilder, ExtBot

from neonpay import AdapterError, create_neonpay
from neonpay.adapters import detect

TOKEN = "42:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


class OwnBot(ExtBot[None]):
    """A subclass, as frameworks on top of the library make them."""


class OwnApplication(Application[Any, Any, Any, Any, Any, Any]):
    """The same, with an attribute of its own."""

    greeting = "hello"


def application_of(token: str = TOKEN, *, kind: type[Application[Any, Any, Any, Any, Any, Any]] = Application) -> Any:
    return ApplicationBuilder().application_class(kind).bot(OwnBot(token)).build()


@pytest.mark.parametrize(
    "thing",
    [
        Bot(TOKEN),
        OwnBot(TOKEN),
        application_of(),
        application_of(kind=OwnApplication),
        ApplicationBuilder(),
        application_of().updater,
    ],
    ids=["Bot", "ExtBot", "Application", "own Application", "ApplicationBuilder", "Updater"],
)
def test_every_object_of_the_library_is_recognised_subclasses_included(thing: object) -> None:
    assert detect(thing).name == "ptb"


@pytest.mark.parametrize("given", ["application", "bot", "updater"])
def test_an_application_makes_a_shop_with_or_without_its_parts(given: str, tmp_path: Path) -> None:
    application = application_of()
    database_url = f"sqlite:///{tmp_path}/n.db"
    if given == "application":
        neonpay = create_neonpay(application, database_url=database_url)
    else:
        neonpay = create_neonpay(getattr(application, given), application=application, database_url=database_url)

    assert (neonpay.get_stats()["library"], neonpay.get_stats()["bot_id"]) == ("ptb", 42)
    assert neonpay.program.adapter.host_data()["application"] is application


def test_the_objects_of_the_host_stay_what_they_are(tmp_path: Path) -> None:
    application = application_of(kind=OwnApplication)
    bot, before = application.bot, (repr(application), repr(application.bot))
    create_neonpay(application, database_url=f"sqlite:///{tmp_path}/n.db")

    assert isinstance(application, OwnApplication)
    assert isinstance(bot, OwnBot)
    assert (application.bot, application.greeting) == (bot, "hello")
    assert (repr(application), repr(bot)) == before
    assert detect(application).name == detect(bot).name == "ptb"


@pytest.mark.parametrize(
    ("given", "more"),
    [
        (Bot(TOKEN), {}),
        (application_of().updater, {}),
        (OwnBot(TOKEN), {"application": application_of("43:" + TOKEN.partition(":")[2])}),
        (application_of(), {"application": application_of()}),
        (application_of().updater, {"application": application_of()}),
        (application_of(), {"dispatcher": application_of()}),
        (OwnBot(TOKEN), {"application": "application"}),
    ],
    ids=["a bot", "an updater", "another bot's", "two applications", "another updater's", "as dispatcher", "text"],
)
def test_what_does_not_fit_is_said_with_the_line_to_write(given: object, more: dict[str, Any]) -> None:
    with pytest.raises(AdapterError, match=r"create_neonpay\(application\)"):
        create_neonpay(given, **more)


@pytest.mark.parametrize("more", [{}, {"application": ApplicationBuilder()}])
def test_a_builder_has_to_be_built_first(more: dict[str, Any]) -> None:
    given = ApplicationBuilder() if not more else OwnBot(TOKEN)
    with pytest.raises(AdapterError, match=r"application = builder\.build\(\)"):
        create_neonpay(given, **more)

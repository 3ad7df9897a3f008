"""The host's own words, by whatever it translates with; when that fails, neonpay's own are said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiogram.utils.i18n import I18n
from aiogram_i18n.cores import FluentRuntimeCore
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from fluent.runtime import AbstractResourceLoader, FluentLocalization, FluentResource

from neonpay.errors import ConfigurationError
from neonpay.notifications import BuyerMessages, Fluent

if TYPE_CHECKING:
    from neonpay.notifications.host_words import Translator
    from tests.integration.conftest import Shop

ONE_ENGINE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # which of them does not matter
FLUENT = """
alert-payment_completed-subject = Куплено
alert-amount = { $stars ->
    [one] ровно { $stars } звезда
    [few] ровно { $stars } звезды
   *[other] ровно { $stars } звёзд
}
receipt = Спасибо за { $title }, { $stars } ⭐
"""


async def nothing(payment: object) -> None:
    """There is nothing to deliver."""


@pytest.fixture
def locales(tmp_path: Path) -> Path:
    """A host's texts, in Fluent and in gettext."""
    folder = tmp_path / "ru" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (tmp_path / "ru" / "shop.ftl").write_text(FLUENT)
    catalogue = Catalog(locale="ru")
    catalogue.add("alert.payment_completed.subject", "Куплено")
    catalogue.add("alert.amount", "ровно {stars} звёзд")
    catalogue.add("receipt", "Спасибо за {title}, {stars} ⭐")
    with (folder / "shop.mo").open("wb") as file:
        write_mo(file, catalogue)
    return tmp_path


@dataclass
class _Loader(AbstractResourceLoader):
    """Closes its files, as that of fluent.runtime 0.4 does not."""

    root: Path

    def resources(self, locale: str, resource_ids: list[str]) -> Iterator[list[FluentResource]]:
        yield [FluentResource((self.root / locale / name).read_text()) for name in resource_ids]


async def by_fluent(locales: Path) -> Translator:
    return Fluent({"ru": FluentLocalization(["ru"], ["shop.ftl"], _Loader(locales))})


async def by_aiogram_i18n(locales: Path) -> Translator:
    core = FluentRuntimeCore(path=locales / "{locale}")
    await core.startup()
    return Fluent(core)


async def by_gettext(locales: Path) -> Translator:
    i18n = I18n(path=locales, domain="shop")
    return lambda key, language: i18n.gettext(key, locale=language)


@ONE_ENGINE
@pytest.mark.parametrize("by", [by_fluent, by_aiogram_i18n, by_gettext])
async def test_owners_and_buyers_read_the_hosts_words_and_neonpays_where_it_has_none(
    open_shop: Callable[..., Shop], locales: Path, by: Callable[[Path], Any]
) -> None:
    translator = await by(locales)
    shop = open_shop()
    shop.neonpay.on_payment(nothing)
    owner, ann = await shop.visitor("Olga"), await shop.visitor("Ann", language_code="ru")
    shop.neonpay.enable_alerts(admins=[owner.id], sales=True, language="ru", translate=translator)
    shop.neonpay.use(BuyerMessages(translate=translator))
    async with shop.polling():
        await shop.sells(ann)
        told = (await owner.hears(shop.account, containing="Куплено")).text or ""
        receipt = (await ann.hears(shop.account, containing="Спасибо")).text or ""
    assert told.splitlines()[:4] == ["Куплено", "", "ровно 50 звёзд", "Товар: vip"]
    assert receipt == "Спасибо за VIP, 50 ⭐"


def broken(key: str, language: str | None) -> str:
    raise LookupError("no such language")


@ONE_ENGINE
@pytest.mark.parametrize(
    "translator",
    [broken, lambda key, language: "{nope}", lambda key, language: 5],
    ids=["raises", "names another value", "is no text"],
)
async def test_a_translator_that_fails_keeps_nobody_from_being_told(
    open_shop: Callable[..., Shop], caplog: pytest.LogCaptureFixture, translator: Any
) -> None:
    shop = open_shop()
    shop.neonpay.on_payment(nothing)
    owner, ann = await shop.visitor("Olga"), await shop.visitor("Ann")
    shop.neonpay.enable_alerts(admins=[owner.id], sales=True, translate=translator)
    shop.neonpay.use(BuyerMessages(translate=translator))
    async with shop.polling():
        for _ in range(2):
            await shop.sells(ann)
            await ann.hears(shop.account, containing="🧾 VIP")
            await owner.hears(shop.account, containing="💫 Sold\n\n50 Stars")
    said = [record.getMessage() for record in caplog.records if "the translator of 'receipt' failed" in record.message]
    assert len(said) == 1


@ONE_ENGINE
def test_what_translates_nothing_is_refused_at_once(open_shop: Callable[..., Shop]) -> None:
    with pytest.raises(
        ConfigurationError, match=r"translate is a function of a key and a language, or Fluent\(…\); got str"
    ):
        open_shop().neonpay.enable_alerts(admins=[7], translate="ru")  # type: ignore[arg-type]

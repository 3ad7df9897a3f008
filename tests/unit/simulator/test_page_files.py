"""The files of the page agree with each other."""

from __future__ import annotations

import re
from importlib.resources import files

STATIC = files("neonpay.simulator.page") / "static"
TEXTS = {file.name: file.read_text(encoding="utf-8") for file in STATIC.iterdir()}


def _scripts() -> dict[str, str]:
    return {name: text for name, text in TEXTS.items() if name.endswith(".js") and name != "words.js"}


def _languages() -> dict[str, str]:
    _, _, rest = TEXTS["words.js"].partition("const en = {")
    english, _, rest = rest.partition("const ru = {")
    russian, _, _ = rest.partition("export const w")
    return {"en": english, "ru": russian}


def _keys(words: str) -> set[str]:
    return set(re.findall(r"^  (\w+): ", words, flags=re.MULTILINE))


def test_both_languages_have_the_same_words():
    words = {language: _keys(text) for language, text in _languages().items()}
    assert len(words["en"]) > 100
    assert words["en"] == words["ru"]


def test_every_word_that_is_used_exists_and_every_word_that_exists_is_used():
    used = {word for text in _scripts().values() for word in re.findall(r"\bw\.(\w+)", text)}
    used |= set(re.findall(r'data-w(?:-label|-hint)?="(\w+)"', TEXTS["index.html"]))
    assert used | {"pageTitle"} == _keys(_languages()["en"])


def test_the_dark_theme_is_the_same_by_choice_and_by_system():
    tokens = TEXTS["tokens.css"]
    by_system = tokens.partition(':root:not([data-theme="light"]) {')[2].partition("}")[0]
    by_choice = tokens.partition(':root[data-theme="dark"] {')[2].partition("}")[0]
    declared = [re.findall(r"[\w-]+: [^;]+;", block) for block in (by_system, by_choice)]
    assert declared[0] != []
    assert declared[0] == declared[1]


def test_colours_are_named_in_one_file_only():
    for name, text in TEXTS.items():
        if name.endswith(".css") and name != "tokens.css":
            assert re.findall(r"#[0-9a-f]{6}\b|\brgba?\(\d", text) == [], name


def test_every_icon_and_module_that_is_named_is_there():
    icons = {icon for text in TEXTS.values() for icon in re.findall(r'icon\("([\w-]+)"', text)}
    icons |= set(re.findall(r'<use href="#([\w-]+)"', TEXTS["index.html"]))
    assert icons <= set(re.findall(r'<symbol id="([\w-]+)"', TEXTS["index.html"]))
    modules = {name for text in TEXTS.values() for name in re.findall(r'from "\./([\w.]+)"', text)}
    modules |= set(re.findall(r'"/page/([\w.]+)"', TEXTS["index.html"]))
    assert modules <= set(TEXTS)


def test_nothing_is_asked_of_another_machine():
    addresses = {url for text in TEXTS.values() for url in re.findall(r"https?://[^\s\"'`<>$]+", text)}
    assert {url for url in addresses if not url.startswith(("http://www.w3.org/2000/svg", "https://t.me/"))} == set()

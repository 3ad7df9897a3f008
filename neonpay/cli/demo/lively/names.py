"""Who buys: people of two languages."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

_LATIN: Final = (
    "Anna Weber", "Marco Bianchi", "Claire Dubois", "Jonas Lindqvist", "Sofia Almeida", "Tom Baker", "Ines Duarte",
    "Paul Keller", "Lucía Romero", "Henrik Dahl", "Zoë van Dijk", "Mateusz Nowak", "Eva Horváth", "Grace Okafor",
    "Liam O'Neill", "Noor Haddad", "Priya Raman", "Ana Kovač", "Björn Åkesson", "Chloé Martin", "Diego Fuentes",
    "Emma Schulz", "Felix Braun",
    "Hanna Virtanen", "Ivo Petrov", "Julia Costa", "Kenji Mori", "Laura Greco", "Milan Novák", "Nina Berg",
)  # fmt: skip
_TURKISH: Final = (
    "Ayşe Yılmaz", "Mehmet Öztürk", "Çağla Şahin", "İbrahim Güneş", "Zeynep Çelik", "Oğuz Kılıç", "Elif Doğan", "Barış Aydın",
    "Gülşen Erdoğmuş", "Ömer Işık",
)  # fmt: skip
_CYRILLIC: Final = (
    "Мария Соколова", "Дмитрий Орлов", "Оксана Гриценко", "Алексей Ким", "Наталья Ершова", "Сергей Щукин", "Юлия Цветкова",
    "Иван Жуков", "Полина Ёлкина", "Тимур Ахметов", "Екатерина Белова", "Павел Зимин", "Анастасия Лаптева", "Григорий Шмелёв",
    "Вера Быкова", "Михаил Фролов", "Алина Гайсина", "Олег Тихонов",
)  # fmt: skip
_SPELLED: Final = str.maketrans(
    {
        **dict(zip("абвгдезийклмнопрстуфыэё", "abvgdezijklmnoprstufyee", strict=True)),
        "ж": "zh",
        "х": "kh",
        "ц": "ts",
        "ч": "ch",
        "ш": "sh",
        "щ": "sch",
        "ю": "yu",
        "я": "ya",
        "ь": "",
        "ъ": "",
        "ç": "c",
        "ğ": "g",
        "ı": "i",
        "ö": "o",
        "ş": "s",
        "ü": "u",
        "ë": "e",
        "é": "e",
        "á": "a",
        "č": "c",
        "í": "i",
        "å": "a",
        "ä": "a",
        "'": "",
        " ": "_",
    }
)


@dataclass(frozen=True, slots=True)
class Name:
    """What somebody is called, and in which language their Telegram speaks.

    Attributes:
        username: empty for those who have none.
    """

    full: str
    username: str
    language: str


def names(dice: random.Random) -> list[Name]:
    """Nine hundred people in an order that the dice decide; first and last names are mixed within a script."""
    people: list[Name] = []
    for script, language, most in ((_LATIN, "en", 640), (_TURKISH, "en", 80), (_CYRILLIC, "ru", 140)):
        firsts = [name.split(" ")[0] for name in script]
        lasts = [name.split(" ", 1)[1] for name in script]
        mixed = [f"{first} {last}" for first in firsts for last in lasts if _agree(first, last)]
        chosen = [*script, *dice.sample([name for name in mixed if name not in script], most)]
        people += [Name(name, "", language) for name in chosen]
    dice.shuffle(people)
    return [_with_username(one, number) for number, one in enumerate(people)]


_MENS: Final = frozenset({"Дмитрий", "Алексей", "Сергей", "Иван", "Тимур", "Павел", "Григорий", "Михаил", "Олег"})
_UNBENDING: Final = ("ко", "Ким")


def _agree(first: str, last: str) -> bool:
    """Whether a Russian first name and last name are of one gender; others always agree."""
    if not "А" <= first[0] <= "я":
        return True
    return last.endswith(_UNBENDING) or (first in _MENS) != last.endswith("а")


def _with_username(name: Name, number: int) -> Name:
    if number % 4 == 0:
        return name
    latin = name.full.lower().translate(_SPELLED)
    plain = "".join(sign for sign in latin if sign.isascii() and (sign.isalnum() or sign == "_"))
    return Name(name.full, f"{plain}{number}"[:32], name.language)

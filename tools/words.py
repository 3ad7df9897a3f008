"""The gettext catalogues of what neonpay says in Telegram, made to agree with the source.

python tools/words.py    # adds new words to each .po, drops those that are gone, and compiles the .mo

A language begins with an empty file, neonpay/locale/LANGUAGE/LC_MESSAGES/neonpay.po.
"""

from __future__ import annotations

import ast
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
LOCALE = ROOT / "neonpay" / "locale"
_WIDTH = 120

MessageId = str | tuple[str, str]
"""The English words, or those for one and for many."""


class _Catalogue(Catalog):
    """Without dates and the version of Babel, so that a file differs only when its words do."""

    @property  # type: ignore[misc]  # nobody sets them here
    def mime_headers(self) -> list[tuple[str, str]]:
        return [
            ("Language", str(self.locale_identifier)),
            ("Plural-Forms", self.plural_forms),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit\n"),
        ]


def main() -> None:
    """Rewrite the catalogues."""
    words = words_of_the_source()
    for path in catalogues():
        catalogue = agreeing(read(path), words)
        with path.open("wb") as source:
            write_po(source, catalogue, width=_WIDTH, include_lineno=False)
        with path.with_suffix(".mo").open("wb") as compiled:
            write_mo(compiled, catalogue)


def catalogues() -> list[Path]:
    """The .po of each language."""
    return sorted(LOCALE.glob("*/LC_MESSAGES/neonpay.po"))


def read(path: Path) -> Catalog:
    """The catalogue in a .po."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parents[1].name)


def words_of_the_source() -> dict[MessageId, list[str]]:
    """What each call of ``Words`` in the package says, with the files that say it."""
    found: dict[MessageId, list[str]] = {}
    for path in sorted((ROOT / "neonpay").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        calls = ast.walk(ast.parse(text)) if "Words(" in text else ()
        for node in calls:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Words":
                forms = [ast.literal_eval(argument) for argument in node.args[:2]]
                msgid = forms[0] if len(forms) == 1 else (forms[0], forms[1])
                found.setdefault(msgid, []).append(path.relative_to(ROOT).as_posix())
    return found


def agreeing(known: Catalog, words: dict[MessageId, list[str]]) -> Catalog:
    """A catalogue of just these words; those that are known keep their translations."""
    catalogue = _Catalogue(locale=known.locale, header_comment="# What neonpay says in Telegram.", fuzzy=False)
    for msgid, files in words.items():
        before = known.get(msgid)
        catalogue.add(
            msgid,
            before.string if before else None,
            locations=[(file, 0) for file in dict.fromkeys(files)],
            flags=["fuzzy"] if before and before.fuzzy else [],
            user_comments=before.user_comments if before else (),
        )
    return catalogue


if __name__ == "__main__":
    main()

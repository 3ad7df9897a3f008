"""The gettext catalogues of what neonpay says, made from the source and from the translations.

python tools/catalogues.py    # brings every neonpay/locale/*/LC_MESSAGES/neonpay.po up to date and compiles it

A text that is new in the source gets an empty translation, and a test fails until somebody has filled it in. To add a language,
make ``neonpay/locale/<language>/LC_MESSAGES/neonpay.po`` as an empty file and run this.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
LOCALE = ROOT / "neonpay" / "locale"
KEYWORDS = {"translatable": None, "translatable_plural": (1, 2)}
_STAMPS = (
    "POT-Creation-Date", "PO-Revision-Date", "Generated-By", "Last-Translator", "Language-Team", "Report-Msgid-Bugs-To"
)  # fmt: skip
_EPOCH = datetime(2026, 11, 28, tzinfo=UTC)
_HEADER = "# What neonpay says to buyers and to a shop's people; made and compiled by tools/catalogues.py."


def main() -> None:
    """Bring the catalogues up to date and compile them."""
    for path in translations():
        catalog = brought_up_to_date(path)
        with path.open("wb") as file:
            write_po(file, catalog, width=120, no_location=True, ignore_obsolete=True)
        # The stamps would change with every run, and say nothing that version control does not.
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith(tuple(f'"{stamp}:' for stamp in _STAMPS))]
        path.write_text("".join(kept).rstrip("\n") + "\n", encoding="utf-8")
        with path.with_suffix(".mo").open("wb") as file:
            write_mo(file, read(path))


def translations() -> list[Path]:
    """The translations that there are."""
    return sorted(LOCALE.glob("*/LC_MESSAGES/neonpay.po"))


def brought_up_to_date(path: Path) -> Catalog:
    """A translation with exactly the texts that the source has; what it does not translate yet is empty."""
    catalog = read(path)
    catalog.update(extracted(), no_fuzzy_matching=True)
    catalog.header_comment, catalog.fuzzy = _HEADER, False
    catalog.project, catalog.version = "neonpay", ""
    return catalog


def read(path: Path) -> Catalog:
    """What a translation has."""
    with path.open("rb") as file:
        catalog = read_po(file, locale=path.parts[-3], domain=path.stem)
    # What is compiled shall depend on the translation alone.
    catalog.creation_date = catalog.revision_date = _EPOCH
    catalog.last_translator = catalog.language_team = catalog.msgid_bugs_address = ""
    return catalog


def extracted() -> Catalog:
    """The texts that the source has, without translations."""
    catalog = Catalog(project="neonpay", domain="neonpay")
    found = extract_from_dir(ROOT / "neonpay", [("**.py", "python")], keywords=KEYWORDS, comment_tags=("Translators:",))
    for name, line, message, comments, context in found:
        catalog.add(message, None, [(name, line)], auto_comments=comments, context=context)
    return catalog


if __name__ == "__main__":
    main()

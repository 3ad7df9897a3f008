"""Addresses of mail as people write them, and as mail servers take them."""

from __future__ import annotations

import re
import unicodedata
from email.headerregistry import Address
from typing import Final

import idna

_NAMED: Final = re.compile(r"(?P<name>[^<>]*[^<>\s])\s*<(?P<spec>[^<>\s]+)>")
_QUOTED: Final = re.compile(r'"(?P<name>(?:[^"\\]|\\.)*)"')
_LIST_SIGNS: Final = frozenset(',;:@"')
"""What a name has to be quoted for: otherwise it may be another address of a list."""
_ATOM_SIGNS: Final = frozenset("!#$%&'*+/=?^_`{|}~-")
"""What stands before an @ beside letters and digits (RFC 5322, section 3.2.3)."""


def mailbox(text: str) -> Address:
    """The one address of ``owner@example.com`` or of ``Olga <owner@example.com>``.

    Its domain is in ASCII (IDNA 2008, RFC 5891), which any server takes. What is before the @ may be beyond it (RFC 6531).

    Raises:
        ValueError: it is none, or there are several.
    """
    text = text.strip()
    named = _NAMED.fullmatch(text)
    name, spec = ("", text) if named is None else (_name(named["name"].strip()), named["spec"])
    local, _, domain = spec.rpartition("@")
    if not local or not domain or any(sign in spec for sign in "\r\n,;<>"):
        raise ValueError(spec)
    if not domain.isascii():
        domain = idna.encode(domain, uts46=True).decode()
    try:
        if local.isascii():
            return Address(name, addr_spec=f"{local}@{domain}")
        return Address(name, _dot_atom(local), Address(addr_spec=f"a@{domain}").domain)
    except Exception as exc:  # the standard library's parser raises whatever it stumbles over
        raise ValueError(spec) from exc


def _name(text: str) -> str:
    quoted = _QUOTED.fullmatch(text)
    name = text if quoted is None else re.sub(r"\\(.)", r"\1", quoted["name"])
    if quoted is None and _LIST_SIGNS & set(text):
        raise ValueError(text)
    if any(unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} for sign in name):
        raise ValueError(text)
    return name


def _dot_atom(text: str) -> str:
    """What is before the @, in the one form of its characters (RFC 6532, section 3.1)."""
    text = unicodedata.normalize("NFC", text)
    if not all(atom and all(map(_is_of_an_atom, atom)) for atom in text.split(".")):
        raise ValueError(text)
    return text


def _is_of_an_atom(sign: str) -> bool:
    if sign.isascii():
        return sign.isalnum() or sign in _ATOM_SIGNS
    return unicodedata.category(sign)[0] not in "CZ"

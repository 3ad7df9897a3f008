"""Identifiers: uuid7, so that rows of one time lie together and no worker has to ask another."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode

import uuid_utils


def new_event_id() -> str:
    """A new uuid7 as 32 hexadecimal digits."""
    return uuid_utils.uuid7().hex


def new_request_id() -> str:
    """A new uuid7 as 22 characters of URL-safe base64: it has to fit into the 64 bytes of a button's data."""
    return new_invoice_id()


def new_invoice_id() -> str:
    """A new uuid7 as 22 characters of URL-safe base64: it has to fit into an invoice payload."""
    return urlsafe_b64encode(uuid_utils.uuid7().bytes)[:22].decode()


def following_id(bot_id: int, what: str, at_us: int) -> str:
    """A uuid7 of a time whose other bits follow from what it is about: the same fact never gets a second id."""
    digest = hashlib.sha256(f"{bot_id} {what}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"{max(0, at_us) // 1000:012x}"[-12:] + "7" + digest[:3] + "8" + digest[3:18]


def message_id(event_id: str, consumer: str, key: str) -> str:
    """The id of a message that a handler has said after an event: beside the event, and the same however often it is said."""
    digest = hashlib.sha256(f"{event_id} {consumer} {key}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"{event_id[:12]}8{digest[:19]}"


def twin_id(event_id: str) -> str:
    """The id of the one other fact that goes with an event: the same uuid7 as version 8, so that both lie together."""
    return f"{event_id[:12]}8{event_id[13:]}"

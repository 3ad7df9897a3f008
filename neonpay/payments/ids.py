"""Identifiers: uuid7, so that rows of one time lie together and no worker has to ask another."""

from __future__ import annotations

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

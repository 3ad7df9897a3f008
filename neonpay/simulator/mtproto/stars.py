"""Stars, their transactions and gifts in TL.

As https://core.telegram.org/schema has them in layer 229, and TDLib's StarManager.cpp, commit 022d602, reads them (2026-11-28).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from neonpay.simulator.mtproto.media import write_item

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.mtproto.tl import Tl, TlObject

CHANNEL_BASE: Final = 10**12
"""A channel's id in the Bot API is minus this and its id in TL."""
_ANIMATED: Final = "application/x-tgsticker"
_SALES: Final = frozenset({"invoice_payment", "paid_media_payment"})

Json = dict[str, Any]


def write_amount(tl: Tl, stars: int, nanos: int = 0) -> object:
    """An amount of Stars; layers before 194 have a whole number."""
    return tl.make("StarsAmount", amount=stars, nanos=nanos) if tl.has("StarsAmount") else stars


def write_transaction(tl: Tl, row: Mapping[str, Any], product: Mapping[str, str]) -> TlObject:
    """A ``StarTransaction``: what came in is positive, what went out negative, and a refund says so.

    Args:
        tl: the schema of the client.
        row: as the Bot API has it.
        product: title and description of what was sold, as far as they are known.
    """
    sign = 1 if "source" in row else -1
    partner: Json = row["source"] if "source" in row else row["receiver"]
    amount = write_amount(tl, sign * row["amount"], sign * row.get("nanostar_amount", 0))
    fields = {"amount": amount, "stars": amount}  # the same, under the name that it had before layer 205
    fields |= _about(tl, partner, row["date"]) | dict(product)
    if sign < 0 and partner.get("transaction_type") in _SALES:
        fields["refund"] = True
    return tl.make("StarsTransaction", id=row["id"], date=row["date"], peer=_peer(tl, partner), **fields)


def write_gift(tl: Tl, gift: Mapping[str, Any], date: int) -> TlObject:
    """A ``Gift`` of the catalogue; the simulator's cannot be converted back into Stars."""
    total, left = gift.get("total_count"), gift.get("remaining_count")
    sold_out = total is not None and not left
    return tl.make(
        "StarGift",
        id=int(gift["id"]),
        sticker=_sticker(tl, gift["sticker"], date),
        stars=gift["star_count"],
        convert_stars=0,
        limited=True if total is not None else None,
        availability_remains=left,
        availability_total=total,
        sold_out=True if sold_out else None,
        first_sale_date=date if sold_out else None,
        last_sale_date=date if sold_out else None,
        upgrade_stars=gift.get("upgrade_star_count"),
    )


def _about(tl: Tl, partner: Json, date: int) -> Json:
    kind = partner.get("transaction_type", partner["type"])
    if kind == "invoice_payment":
        return {
            "bot_payload": partner["invoice_payload"].encode(),
            "subscription_period": partner.get("subscription_period"),
        }
    if kind == "paid_media_payment":
        payload = partner.get("paid_media_payload")
        shown = [write_item(tl, item, date) for item in partner["paid_media"]]
        return {"extended_media": shown, "bot_payload": None if payload is None else payload.encode()}
    if "gift" in partner and tl.has("StarGift"):
        return {"stargift": write_gift(tl, partner["gift"], date)}
    if kind == "premium_purchase":
        return {"premium_gift_months": partner["premium_subscription_duration"]}
    if kind == "business_account_transfer":
        return {"business_transfer": True}
    if kind == "affiliate_program":
        return {"starref_commission_permille": partner["commission_per_mille"]}
    if kind == "telegram_api":
        return {"floodskip_number": partner["request_count"]}
    return _withdrawal(partner.get("withdrawal_state"))


def _withdrawal(state: Json | None) -> Json:
    if state is None:
        return {}
    if state["type"] == "succeeded":
        return {"transaction_date": state["date"], "transaction_url": state["url"]}
    return {state["type"]: True}


def _peer(tl: Tl, partner: Json) -> TlObject:
    user = partner.get("user", partner.get("sponsor_user"))
    if user is not None:
        return tl.make("StarsTransactionPeer", peer=tl.make("PeerUser", user_id=user["id"]))
    if partner["type"] == "chat":
        channel_id = -partner["chat"]["id"] - CHANNEL_BASE
        return tl.make("StarsTransactionPeer", peer=tl.make("PeerChannel", channel_id=channel_id))
    names = {"fragment": "Fragment", "telegram_ads": "Ads", "telegram_api": "API"}
    name = f"StarsTransactionPeer{names.get(partner['type'], 'Unsupported')}"
    return tl.make(name if tl.has(name) else "StarsTransactionPeerUnsupported")


def _sticker(tl: Tl, sticker: Mapping[str, Any], date: int) -> TlObject:
    attributes = [
        tl.make("DocumentAttributeImageSize", w=sticker["width"], h=sticker["height"]),
        tl.make("DocumentAttributeSticker", alt=sticker["emoji"], stickerset=tl.make("InputStickerSetEmpty")),
    ]
    place = {"id": int(sticker["custom_emoji_id"]), "access_hash": 0, "file_reference": b"\0", "dc_id": 2}
    return tl.make("Document", date=date, mime_type=_ANIMATED, size=0, attributes=attributes, **place)

"""What a bot is told, from the Bot API's JSON into TL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from neonpay.simulator.mtproto.media import write_paid
from neonpay.simulator.mtproto.peers import write_user

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from neonpay.simulator.chats.accounts import Accounts, BotAccount
    from neonpay.simulator.mtproto.tl import Tl, TlObject

_ENTITIES: Final = {
    "blockquote": "Blockquote", "bold": "Bold", "bot_command": "BotCommand", "cashtag": "Cashtag", "code": "Code",
    "email": "Email", "hashtag": "Hashtag", "italic": "Italic", "mention": "Mention", "phone_number": "Phone",
    "spoiler": "Spoiler", "strikethrough": "Strike", "underline": "Underline", "url": "Url",
}  # fmt: skip
"""Kinds of formatting that carry nothing but a place, and their names in TL after ``MessageEntity``."""

Json = dict[str, Any]


class Writer:
    """Writes for one bot in the schema of its client."""

    def __init__(self, tl: Tl, bot: BotAccount, accounts: Accounts) -> None:
        self._tl = tl
        self._bot = bot
        self._accounts = accounts

    def users(self, ids: Iterable[int]) -> list[TlObject]:
        """``User`` objects of people who are named, and of the bot."""
        everybody = self._accounts.users
        known = [write_user(self._tl, everybody[one], self._bot) for one in sorted(set(ids)) if one in everybody]
        return [*known, write_user(self._tl, self._bot, self._bot)]

    def updates(self, updates: list[TlObject], ids: Iterable[int], date: float) -> TlObject:
        """Updates with everybody whom they name."""
        return self._tl.make("Updates", updates=updates, users=self.users(ids), chats=[], date=int(date), seq=0)

    def update(self, kind: str, payload: Mapping[str, Any], pts: int, qts: int) -> TlObject | None:
        """An update of the Bot API in TL; None for a kind that has no counterpart here, and for groups, which have none."""
        tl = self._tl
        if kind == "message" and payload["chat"]["type"] == "private":
            return tl.make("UpdateNewMessage", message=self.message(payload), pts=pts, pts_count=1)
        if kind == "pre_checkout_query":
            return tl.make(
                "UpdateBotPrecheckoutQuery",
                query_id=int(payload["id"]),
                user_id=payload["from"]["id"],
                payload=payload["invoice_payload"].encode(),
                currency=payload["currency"],
                total_amount=payload["total_amount"],
            )
        if kind == "callback_query" and payload.get("message", {}).get("chat", {}).get("type") == "private":
            return tl.make(
                "UpdateBotCallbackQuery",
                query_id=int(payload["id"]),
                user_id=payload["from"]["id"],
                peer=tl.make("PeerUser", user_id=payload["from"]["id"]),
                msg_id=payload["message"]["message_id"],
                chat_instance=int(payload["chat_instance"]),
                data=payload["data"].encode(),
            )
        if kind == "my_chat_member" and payload["chat"]["type"] == "private":
            stopped = payload["new_chat_member"]["status"] == "kicked"
            user_id, date = payload["from"]["id"], payload["date"]
            return tl.make("UpdateBotStopped", user_id=user_id, date=date, stopped=stopped, qts=qts)
        return self._sales_update(kind, payload, qts)

    def _sales_update(self, kind: str, payload: Mapping[str, Any], qts: int) -> TlObject | None:
        # UNVERIFIED: that a layer which is older than such an update is told nothing.
        tl = self._tl
        if kind == "subscription" and tl.has("UpdateBotStarsSubscription"):
            flag = {"canceled": "canceled", "failed": "payment_failed", "active": "restored"}[payload["state"]]
            paid_for = payload["invoice_payload"].encode()
            user_id = payload["user"]["id"]
            return tl.make("UpdateBotStarsSubscription", user_id=user_id, payload=paid_for, qts=qts, **{flag: True})
        if kind == "purchased_paid_media" and tl.has("UpdateBotPurchasedPaidMedia"):
            user_id, bought = payload["from"]["id"], payload["paid_media_payload"]
            return tl.make("UpdateBotPurchasedPaidMedia", user_id=user_id, payload=bought, qts=qts)
        return None

    def message(self, message: Mapping[str, Any]) -> TlObject:
        """A message as the bot sees it; the sender of one from the other side of a private chat is left out, as they do."""
        tl, is_out = self._tl, message["from"]["id"] == self._bot.id
        common: Json = {
            "id": message["message_id"],
            "out": is_out or None,
            "peer_id": tl.make("PeerUser", user_id=message["chat"]["id"]),
            "from_id": tl.make("PeerUser", user_id=self._bot.id) if is_out else None,
            "date": message["date"],
        }
        action = self._action(message)
        if action is not None:
            return tl.make("MessageService", **common, action=action)
        entities = self._entities(message.get("entities", message.get("caption_entities", ())))
        return tl.make(
            "Message",
            **common,
            message=message.get("text", message.get("caption", "")),
            media=self._media(message),
            reply_markup=self._markup(message.get("reply_markup")),
            entities=entities or None,
            edit_date=message.get("edit_date"),
        )

    def words(self, text: str, entities: Iterable[Mapping[str, Any]]) -> TlObject:
        """A text with its formatting."""
        return self._tl.make("TextWithEntities", text=text, entities=self._entities(entities))

    def _entities(self, entities: Iterable[Mapping[str, Any]]) -> list[TlObject]:
        written = map(self._entity, entities)
        return [entity for entity in written if entity is not None]

    def _action(self, message: Mapping[str, Any]) -> TlObject | None:
        tl = self._tl
        paid, refunded = message.get("successful_payment"), message.get("refunded_payment")
        if paid is not None:
            return tl.make(
                "MessageActionPaymentSentMe",
                currency=paid["currency"],
                total_amount=paid["total_amount"],
                payload=paid["invoice_payload"].encode(),
                charge=self._charge(paid),
                recurring_init=paid.get("is_first_recurring"),
                recurring_used=paid.get("is_recurring"),
                subscription_until_date=paid.get("subscription_expiration_date"),
            )
        if refunded is None:
            return None
        if not tl.has("MessageActionPaymentRefunded"):
            return tl.make(
                "MessageActionEmpty"
            )  # UNVERIFIED: what Telegram makes of it for a layer that is older than it
        return tl.make(
            "MessageActionPaymentRefunded",
            peer=tl.make("PeerUser", user_id=self._bot.id),
            currency=refunded["currency"],
            total_amount=refunded["total_amount"],
            payload=refunded["invoice_payload"].encode(),
            charge=self._charge(refunded),
        )

    def _charge(self, payment: Mapping[str, Any]) -> TlObject:
        provider_charge_id = payment.get("provider_payment_charge_id", "")
        return self._tl.make(
            "PaymentCharge", id=payment["telegram_payment_charge_id"], provider_charge_id=provider_charge_id
        )

    def _media(self, message: Mapping[str, Any]) -> TlObject | None:
        invoice = message.get("invoice")
        if invoice is not None:
            return self._tl.make(
                "MessageMediaInvoice",
                title=invoice["title"],
                description=invoice["description"],
                currency=invoice["currency"],
                total_amount=invoice["total_amount"],
                start_param=invoice["start_parameter"],
            )
        if "paid_media" in message:
            return write_paid(self._tl, message["paid_media"], message["date"])
        return self._tl.make("MessageMediaUnsupported") if "photo" in message else None

    def _entity(self, entity: Mapping[str, Any]) -> TlObject | None:
        place = {"offset": entity["offset"], "length": entity["length"]}
        if entity["type"] == "text_link":
            return self._tl.make("MessageEntityTextUrl", **place, url=entity["url"])
        if entity["type"] == "pre":
            return self._tl.make("MessageEntityPre", **place, language=entity.get("language", ""))
        name = _ENTITIES.get(entity["type"])
        return None if name is None else self._tl.make(f"MessageEntity{name}", **place)

    def _markup(self, markup: Mapping[str, Any] | None) -> TlObject | None:
        if markup is None:
            return None
        tl = self._tl
        row_name = "KeyboardInlineButtonRow" if tl.has("KeyboardInlineButtonRow") else "KeyboardButtonRow"
        rows = [
            tl.make(row_name, buttons=[self._button(button) for button in row]) for row in markup["inline_keyboard"]
        ]
        return tl.make("ReplyInlineMarkup", rows=rows)

    def _button(self, button: Mapping[str, Any]) -> TlObject:
        name, fields = "Buy", {}
        if "callback_data" in button:
            name, fields = "Callback", {"data": button["callback_data"].encode()}
        elif "url" in button:
            name, fields = "Url", {"url": button["url"]}
        if not self._tl.has("KeyboardInlineButton"):
            return self._tl.make(f"KeyboardButton{name}", text=button["text"], **fields)
        what = self._tl.make(f"InlineButtonType{name}", **fields)
        return self._tl.make("KeyboardInlineButton", text=button["text"], type=what)

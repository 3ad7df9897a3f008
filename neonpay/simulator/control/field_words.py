"""What the fields of the control API's bodies mean: a name means the same wherever it stands, unless its body differs."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

FIELD_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "name": "What people see.",
        "username": "Without the @.",
        "language_code": "Of the person's client, as bots get it in `from`.",
        "NewUser.stars": "The balance to begin with.",
        "NewUser.id": "The user id; one is made when left out.",
        "token": "`<bot id>:<secret>`, as @BotFather prints it.",
        "bot": "Username of the bot.",
        "group": "Id of the group or channel, as bots know it.",
        "topic": "`message_thread_id` of a topic of that group.",
        "ToSomewhere.bot": "Username of the bot to which it goes; give this or `group`.",
        "ToSomewhere.group": "Id of the group into which it goes; give this or `bot`.",
        "text": "The words, at most 4096 characters.",
        "reply_to": "`message_id` of the message that this answers.",
        "message_id": "Of the message, as `/_sim/users/{user}/messages` shows it.",
        "link": "Of createInvoiceLink.",
        "button": "The text on it; give this or `place`.",
        "place": "Row and column of the button, from 0.",
        "wait": "Whether to answer only when the bot has answered the press.",
        "timeout_s": "Real seconds in which the bot has to answer.",
        "Presses.message_id": "Of the message with the button; 0 is none.",
        "stars": "Whole Stars.",
        "Balance.stars": "What the balance is from now on.",
        "Stars.stars": "What is added to the balance.",
        "nanostars": "Billionths of a Star beside them.",
        "kind": "What it is.",
        "Moves.kind": "In which way Stars come to the bot or leave it.",
        "user": "Id of the person on the other side, for kinds that have one.",
        "ends": "What becomes of a withdrawal.",
        "url": "The address.",
        "Follows.url": "A t.me link of an invoice, or of a bot with `?start=`.",
        "Joins.url": "An invite link; give this or `group`.",
        "Joins.group": "Id of a public group; give this or `url`.",
        "blocked": "False takes it back.",
        "form": "Number of the form that `/_sim/users/{user}/opens` gave.",
        "ok": "Whether the checkout is approved.",
        "error_message": "What the buyer is told otherwise.",
        "charge_id": "`telegram_payment_charge_id` of one of its payments.",
        "title": "What people see.",
        "NewGroup.kind": "A small `group`, a `supergroup`, or a `channel`.",
        "NewGroup.id": "Such as -1001234567890; one is made when left out.",
        "NewGroup.username": "Makes it public; without the @.",
        "topics": "Names of topics, which make a supergroup a forum.",
        "owner": "Id of the person who owns it; somebody is made when left out.",
        "members": "Ids of people in it.",
        "bots": "Usernames of bots in it.",
        "administrators": "Usernames of bots that are administrators, with every right.",
        "caption": "Words under it.",
        "content_base64": "The bytes of a JPEG, PNG, GIF or WebP.",
        "emoji": "One of Telegram's reactions; empty takes it back.",
        "file_id": "Of a photo that was sent.",
        "HasPicture.url": "Where the picture is, when the simulator may ask addresses (`--fetch-pictures`).",
        "NewFault.kind": (
            "`fail` answers with an error and does nothing; `slow` answers late; `lose_answer` does what is asked and closes "
            "the connection; `drop_connection` does nothing and closes it; `duplicate` delivers an update again; `reorder` "
            "lets later updates pass one; `webhook_down` lets a delivery find nobody at the bot's address."
        ),
        "target": "A Bot API method, or a kind of update for `duplicate`, `reorder` and `webhook_down`; `*` is every one.",
        "NewFault.bot": "Username of the only bot that meets it.",
        "times": "How often it happens; null is without end.",
        "probability": "With which each call or update meets it.",
        "for_s": "Virtual seconds after which it happens no more.",
        "error_code": "For `fail`: the HTTP status, and Telegram's code.",
        "description": "For `fail`: the words; those that Telegram has for the code when left out.",
        "retry_after_s": "For `fail` with 429: what `retry_after` says.",
        "delay_s": "For `slow`: how late the answer is.",
        "real": "For `slow`: whether these are real seconds and not virtual ones.",
        "answer_only": "For `slow`: whether what is asked happens at once and only the answer is late.",
        "passed_by": "For `reorder`: how many later updates come first.",
        **dict.fromkeys(("seconds", "minutes", "hours", "days"), "Of virtual time."),
    }
)  # fmt: skip
"""By the name of the field, or by ``Body.field`` where a body means something of its own."""


def described_fields(body: type, schema: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of a body, with words at each of its fields."""
    names = [ancestor.__name__ for ancestor in body.__mro__]
    for name, field in schema.get("properties", {}).items():
        said = (FIELD_WORDS.get(key) for key in (*(f"{own}.{name}" for own in names), name))
        field["description"] = next(words for words in said if words)
    return schema

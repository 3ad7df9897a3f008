"""``/_sim/openapi.json``: what every request of the control API has to hold, with an example of each."""

from __future__ import annotations

import base64
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from neonpay._version import __version__
from neonpay.simulator.control import orders
from neonpay.simulator.control.company import Edits, Joins, Leaves, Reacts
from neonpay.simulator.control.field_words import described_fields
from neonpay.simulator.control.pictures import HasPicture
from neonpay.simulator.control.places import NewGroup, SendsPhoto
from neonpay.simulator.control.sales import Buys, NamesSubscription
from neonpay.simulator.people.attachments import one_pixel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Body = tuple[type[orders.Order], Mapping[str, object]]

_ONE_PIXEL: Final = base64.b64encode(one_pixel()).decode()
BODIES: Final[Mapping[str, Body]] = MappingProxyType(
    {
        "/users": (orders.NewUser, {"name": "Ann", "stars": 500}),
        "/users/{user}/says": (orders.Says, {"bot": "bot1_bot", "text": "/start"}),
        "/users/{user}/sends_photo": (SendsPhoto, {"bot": "bot1_bot", "caption": "My receipt"}),
        "/users/{user}/presses": (orders.Presses, {"message_id": 2, "button": "Buy"}),
        "/users/{user}/receives": (orders.Receives, {"message_id": 2}),
        "/users/{user}/pays": (orders.Pays, {"message_id": 2}),
        "/users/{user}/stars": (orders.Stars, {"stars": 100}),
        "/users/{user}/balance": (orders.Balance, {"stars": 0}),
        "/users/{user}/follows": (orders.Follows, {"url": "https://t.me/bot1_bot?start=gift"}),
        "/users/{user}/blocks": (orders.Blocks, {"bot": "bot1_bot"}),
        "/users/{user}/opens": (orders.Opens, {"message_id": 2}),
        "/users/{user}/begins": (orders.Begins, {"form": 1}),
        "/users/{user}/cancels_subscription": (NamesSubscription, {"charge_id": "CHARGE"}),
        "/users/{user}/restores_subscription": (NamesSubscription, {"charge_id": "CHARGE"}),
        "/users/{user}/buys": (Buys, {"message_id": 2}),
        "/users/{user}/joins": (Joins, {"url": "https://t.me/+INVITATION"}),
        "/users/{user}/leaves": (Leaves, {"group": -1001234567890}),
        "/users/{user}/edits": (Edits, {"message_id": 1, "text": "/start again"}),
        "/users/{user}/reacts": (Reacts, {"message_id": 2, "emoji": "👍"}),
        "/groups": (
            NewGroup,
            {"title": "Club", "kind": "channel", "id": -1001234567890, "administrators": ["bot1_bot"]},
        ),
        "/users/{user}/picture": (HasPicture, {"content_base64": _ONE_PIXEL}),
        "/bots/{bot}/picture": (HasPicture, {"content_base64": _ONE_PIXEL}),
        "/invoices/{message_id}/picture": (HasPicture, {"content_base64": _ONE_PIXEL}),
        "/bots": (orders.NewBot, {"username": "other_bot", "token": "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}),
        "/bots/{bot}/moves": (orders.Moves, {"kind": "withdrawal", "stars": 1000, "ends": "succeeded"}),
        "/checkouts/{query_id}/answers": (orders.Answers, {"ok": True}),
        "/faults": (orders.NewFault, {"kind": "fail", "target": "sendMessage", "error_code": 429, "retry_after_s": 3}),
        "/advance": (orders.Advance, {"days": 30}),
        "/time/freeze": (orders.Nothing, {}),
        "/time/run": (orders.Nothing, {}),
        "/time/step": (orders.Nothing, {}),
    }
)
"""What is posted to each path, and an example."""
_PICTURED: Final = ("/users/{user}/picture", "/bots/{bot}/picture", "/invoices/{message_id}/picture")
_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "GET /": "The time, and everything that can be asked.",
        "GET /openapi.json": "This description.",
        "GET /users": "All people, with their balances.",
        "GET /users/{user}/messages": "What a person sees in one chat, oldest first: with a bot, in a group or in a topic.",
        "GET /users/{user}/subscriptions": "The subscriptions that a person has, or has had.",
        "GET /bots": "All bots, with their balances.",
        "GET /bots/{bot}/balance": "The Stars of a bot, and the payments that it got.",
        "GET /bots/{bot}/subscriptions": "The subscriptions to a bot.",
        "GET /bots/{bot}/updates": "The newest updates of a bot, with what has become of each.",
        "GET /groups": "All groups and channels, with their members.",
        "GET /journal": "The newest calls of the Bot API, with their answers.",
        "GET /checkouts": "The newest pre-checkout queries, and what has become of each.",
        "GET /faults": "What will go wrong.",
        "DELETE /faults": "Nothing is to go wrong any more.",
        "DELETE /faults/{number}": "This one is to go wrong no more.",
        "GET /time": "What time it is, and whether it passes.",
        "POST /faults": "Something that is to go wrong: a call that fails or is late, an update that comes twice.",
        "POST /users/{user}/cancels_subscription": "End a subscription with the period that is paid for.",
        "POST /users/{user}/restores_subscription": "Take up again what was cancelled and is not over.",
        "POST /time/freeze": "Time stands still from now on.",
        "POST /time/run": "Time passes again.",
        "POST /time/step": "Time moves to the next thing that is due.",
        **{f"GET {path}": "The picture that is there." for path in _PICTURED},
        **{f"DELETE {path}": "Take the picture away." for path in _PICTURED},
    }
)
"""What a request does whose body does not say so."""
_QUERIES: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = MappingProxyType(
    {
        "/users/{user}/messages": {
            "bot": ("string", "The username of the bot; it or a group is needed."),
            "group": ("integer", "The id of the group, in place of a bot."),
            "topic": ("integer", "The topic of that group."),
        },
        "/journal": {"method": ("string", "Only calls of this method.")},
    }
)
"""What may stand behind the question mark of an address: its type, and what it means."""
_DEFINITION: Final = "#/components/schemas/{model}"


def openapi(routes: Iterable[tuple[str, str]]) -> dict[str, object]:
    """The description of these verbs and paths, in the form of OpenAPI 3.1."""
    paths: dict[str, dict[str, object]] = {}
    schemas: dict[str, object] = {}
    for verb, path in routes:
        said: dict[str, object] = {
            "summary": _WORDS.get(f"{verb} {path}", ""),
            "parameters": [
                *(
                    {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                    for name in re.findall(r"\{(\w+)\}", path)
                ),
                *(
                    {"name": name, "in": "query", "description": words, "schema": {"type": kind}}
                    for name, (kind, words) in (_QUERIES.get(path, {}) if verb == "GET" else {}).items()
                ),
            ],
            "responses": {
                "200": {"description": "Done."},
                "400": {"description": "Why not: `error`, and `problems` of fields."},
                "403": {"description": "Another machine asks, or a page of another place."},
                "415": {"description": "The body of a POST is no `application/json`."},
                "504": {"description": "What was waited for did not come in time."},
            },
        }
        if verb == "POST":
            order, example = BODIES[path]
            schema = described_fields(order, order.model_json_schema(ref_template=_DEFINITION))
            schemas |= schema.pop("$defs", {})
            schemas[order.__name__] = schema
            content = {"schema": {"$ref": _DEFINITION.format(model=order.__name__)}, "example": dict(example)}
            said |= {
                "summary": said["summary"] or (order.__doc__ or "").split("\n", 1)[0],
                "requestBody": {"required": True, "content": {"application/json": content}},
            }
        paths.setdefault(f"/_sim{path}", {})[verb.lower()] = said
    info = {"title": "neonpay simulator: people played by HTTP", "version": __version__}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": {"schemas": schemas}}

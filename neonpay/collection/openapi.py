"""The OpenAPI document of a centre, made from the types of the wire."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from neonpay._version import __version__
from neonpay.collection import figures
from neonpay.collection.packing import GZIP, JSON
from neonpay.collection.wire import Accepted, Batch, Problem, RealTime

_TYPES: Final = (Batch, RealTime, Accepted, Problem, figures.NetworkFigures, figures.BotStatus)
_REF: Final = "#/components/schemas/{name}"


def document() -> dict[str, Any]:
    """The document, version 3.1, as JSON has it."""
    _, schemas = msgspec.json.schema_components(_TYPES, ref_template=_REF)
    reads: list[dict[str, list[str]]] = [{"token": []}, {}]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "neonpay collection",
            "version": __version__,
            "description": "Bots send events to a centre; programs read what it was told.",
        },
        "paths": {
            "/analytics/collect": {"post": _post("Batch", "collect", "Keep a batch of events.")},
            "/analytics/realtime": {"post": _post("RealTime", "realtime", "Keep one event.")},
            "/analytics/query": {
                "get": {
                    "operationId": "query",
                    "summary": "What bots have told of the last days.",
                    "security": reads,
                    "parameters": [_days(), _bot()],
                    "responses": {
                        "200": _answer("What was told.", _ref("NetworkFigures")),
                        "400": _problem("A parameter is wrong."),
                        "404": _problem("The bot has sent nothing yet."),
                        **_for_readers(),
                    },
                }
            },
            "/analytics/export": {
                "get": {
                    "operationId": "export",
                    "summary": "Events by day, bot and kind. Nobody is named.",
                    "security": reads,
                    "parameters": [_parameter("format", {"type": "string", "enum": ["json", "csv"]}), _days(), _bot()],
                    "responses": {
                        "200": {
                            "description": "One row for each day, bot and kind.",
                            "content": {
                                JSON: {"schema": {"type": "array", "items": _row()}},
                                "text/csv": {"schema": {"type": "string"}},
                            },
                        },
                        "400": _problem("A parameter is wrong."),
                        "404": _problem("The bot has sent nothing yet."),
                        **_for_readers(),
                    },
                }
            },
            "/analytics/status": {
                "get": {
                    "operationId": "status",
                    "summary": "Which bots have sent, and when last.",
                    "security": reads,
                    "responses": {"200": _answer("The centre.", _status()), **_for_readers()},
                }
            },
            "/health": {
                "get": {
                    "operationId": "health",
                    "summary": "Whether the ledger answers.",
                    "responses": {
                        "200": _answer("It does.", _ok()),
                        "503": _answer("It does not.", _ok()),
                    },
                }
            },
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "webhook-signature",
                    "description": "Standard Webhooks: webhook-id, webhook-timestamp and webhook-signature, over the bytes of "
                    "the body as they are sent.",
                },
            },
        },
    }


def _post(kind: str, name: str, summary: str) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "security": [{"signature": []}, {}],
        "parameters": [
            _parameter("webhook-id", {"type": "string", "maxLength": 128}, place="header"),
            _parameter("webhook-timestamp", {"type": "string", "pattern": "^[0-9]{1,12}$"}, place="header"),
        ],
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": _ref(kind)},
                GZIP: {"schema": {"type": "string", "format": "binary"}},
            },
        },
        "responses": {
            "200": _answer("All of it is kept.", _ref("Accepted")),
            "400": _problem("It is no batch."),
            "401": _problem(
                "It is not signed as it has to be, or its time is not now. Date has the time of the centre."
            ),
            "403": _problem("The centre takes no more bots, or a page of another place asks."),
            "408": _problem("It took too long to arrive."),
            "413": _problem("It is too long; send smaller batches."),
            "415": _problem("It is neither JSON nor a gzip of it."),
            "503": _problem("Send it again after Retry-After seconds."),
        },
    }


def _for_readers() -> dict[str, Any]:
    return {
        "401": _problem("Sign in, or send the token."),
        "503": _problem("The ledger does not answer."),
    }


def _days() -> dict[str, Any]:
    return _parameter("days", {"type": "integer", "minimum": 1, "maximum": figures.DAYS_MAX, "default": 30})


def _bot() -> dict[str, Any]:
    return _parameter("bot_id", {"type": "string", "minLength": 1, "maxLength": 64})


def _parameter(name: str, schema: dict[str, Any], *, place: str = "query") -> dict[str, Any]:
    return {"name": name, "in": place, "required": False, "schema": schema}


def _answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {JSON: {"schema": schema}}}


def _problem(description: str) -> dict[str, Any]:
    return _answer(description, _ref("Problem"))


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": _REF.format(name=name)}


def _ok() -> dict[str, Any]:
    return {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}


def _row() -> dict[str, Any]:
    return {"type": "object", "required": list(figures.DAILY)}


def _status() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["bots", "is_signed", "takes_unsigned", "refused_batches"],
        "properties": {"bots": {"type": "array", "items": _ref("BotStatus")}},
    }

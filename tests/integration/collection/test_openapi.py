"""The OpenAPI document says what a centre takes and answers; nothing that follows it or breaks it makes the centre fail."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import schemathesis
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from neonpay.collection.serving import serving_centre

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Where a centre without a secret is served, by a thread of its own."""
    started, found = threading.Event(), []
    loop = asyncio.new_event_loop()
    stop: asyncio.Future[None] = loop.create_future()

    async def serve() -> None:
        database_url = f"sqlite:///{tmp_path / 'centre.db'}"
        async with serving_centre(host="127.0.0.1", port=0, database_url=database_url, tell=lambda _: None) as url:
            found.append(url.rstrip("/"))
            started.set()
            await stop

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert started.wait(50)
    yield found[0]
    loop.call_soon_threadsafe(stop.set_result, None)
    thread.join()
    loop.close()


def test_no_request_that_the_document_allows_or_forbids_makes_the_centre_fail(url: str) -> None:
    schema = schemathesis.openapi.from_url(f"{url}/analytics/openapi.json")
    operations = [each.ok() for each in schema.get_all_operations()]
    assert len(operations) == 6
    for operation in operations:
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            with suppress(Unsatisfiable):  # nothing about an operation without parameters can be wrong
                ask(operation, mode)


def ask(operation: Any, mode: schemathesis.GenerationMode) -> None:
    """Send what is made up for an operation, and hold the answers against the document."""

    @hypothesis.settings(
        max_examples=10, deadline=None, suppress_health_check=list(hypothesis.HealthCheck), database=None
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def sent(case: Any) -> None:
        response = case.call()
        case.validate_response(
            response, checks=[not_a_server_error, status_code_conformance, response_schema_conformance]
        )

    sent()

"""Rich messages, as blocks and as HTML."""

from __future__ import annotations

import pytest

from neonpay.simulator.calls.rich import BLOCKS_MAX, CHARS_MAX, DEPTH_MAX


async def sent(wire, ann, **rich_message):
    return await wire("sendRichMessage", chat_id=ann.id, rich_message=rich_message)


@pytest.mark.parametrize(
    ("html", "blocks"),
    [
        ("<p>Hello</p>", [{"type": "paragraph", "text": "Hello"}]),
        ("<h1>A</h1>\n<hr/>\n<h6>b</h6>", [
            {"type": "heading", "text": "A", "size": 1}, {"type": "divider"}, {"type": "heading", "text": "b", "size": 6},
        ]),
        ("<p>a <b>b <i>c</i></b>&amp;<br>d</p>", [
            {"type": "paragraph", "text": [
                "a ", {"type": "bold", "text": ["b ", {"type": "italic", "text": "c"}]}, "&", "\n", "d",
            ]},
        ]),
        ('<p><a href="https://example.com/?a=1">here</a></p>', [
            {"type": "paragraph", "text": {"type": "url", "url": "https://example.com/?a=1", "text": "here"}},
        ]),
        ('<pre><code class="language-python">x = 1\n</code></pre>', [{"type": "pre", "text": "x = 1\n", "language": "python"}]),
        ("<details open><summary>More</summary><p>x</p></details>", [
            {"type": "details", "summary": "More", "is_open": True, "blocks": [{"type": "paragraph", "text": "x"}]},
        ]),
        ("<blockquote><p>x</p></blockquote><footer>y</footer>", [
            {"type": "blockquote", "blocks": [{"type": "paragraph", "text": "x"}]}, {"type": "footer", "text": "y"},
        ]),
    ],
)  # fmt: skip
async def test_html_becomes_blocks(wire, ann, shop, html, blocks):
    message = (await sent(wire, ann, html=html)).result
    assert message["rich_message"] == {"blocks": blocks}
    assert ann.messages(shop)[-1].rich_message is not None


async def test_blocks_come_out_as_they_went_in(wire, ann):
    cell = {"text": "1", "is_header": True, "align": "left", "valign": "top"}
    blocks = [
        {"type": "table", "cells": [[cell]], "is_bordered": True, "caption": "c"},
        {"type": "paragraph", "text": ["a", {"type": "bold", "text": "b"}]},
    ]
    message = (await sent(wire, ann, blocks=blocks, is_rtl=True)).result
    assert message["rich_message"] == {"blocks": blocks, "is_rtl": True}


@pytest.mark.parametrize(
    "html",
    [
        "words", "<p>a<p>b</p>", "<p>a", "<p>a</b></p>", "<ul><li>a</li></ul>", '<img src="x"/>', "<b>a</b>", "</p>",
        "<p><blink>a</blink></p>", "<p><a>a</a></p>", "<details><p>a</p><summary>b</summary></details>",
    ],
)  # fmt: skip
async def test_html_of_which_nothing_is_published_is_not_simulated(wire, ann, html):
    reply = await sent(wire, ann, html=html)
    assert (reply.status, reply.description.partition(":")[0]) == (501, "Not simulated")


@pytest.mark.parametrize(
    "rich_message",
    [
        {}, {"html": ""}, {"html": " "}, {"blocks": []}, {"html": "<p>a</p>", "blocks": []}, {"blocks": [5]},
        {"blocks": [{"type": "paragraph"}]}, {"blocks": [{"type": "heading", "text": "a", "size": "big"}]},
        {"blocks": [{"type": "paragraph", "text": {"type": "shout", "text": "a"}}]}, {"blocks": 7},
        {"blocks": [{"type": "paragraph", "text": "x" * (CHARS_MAX + 1)}]},
        {"blocks": [{"type": "divider"}] * (BLOCKS_MAX + 1)},
        {"html": "<p>" + "<b>" * DEPTH_MAX + "x" + "</b>" * DEPTH_MAX + "</p>"},
    ],
)  # fmt: skip
async def test_what_is_no_rich_message_is_refused(wire, ann, rich_message):
    assert (await sent(wire, ann, **rich_message)).status == 400


@pytest.mark.parametrize(
    "rich_message",
    [
        {"markdown": "# A"}, {"html": "<p>a</p>", "media": []}, {"blocks": [{"type": "list", "items": []}]},
        {"blocks": [{"type": "details", "summary": "s", "blocks": [{"type": "photo", "photo": "x"}]}]},
    ],
)  # fmt: skip
async def test_other_rich_messages_are_not_simulated(wire, ann, rich_message):
    assert (await sent(wire, ann, **rich_message)).status == 501


async def test_a_rich_message_goes_where_every_message_goes(telegram, wire, ann, shop):
    forum = telegram.group("Club", members=[ann, shop], forum=True)
    orders = telegram.topic(forum, "Orders")
    place = {"chat_id": forum.id, "message_thread_id": orders.id}
    reply = await wire("sendRichMessage", **place, rich_message={"html": "<p>x</p>"}, protect_content=True)
    assert (reply.result["message_thread_id"], reply.result["has_protected_content"]) == (orders.id, True)

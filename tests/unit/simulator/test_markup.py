"""Formatted text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neonpay.simulator.text.html import parse_html
from neonpay.simulator.text.markdown import parse_markdown, parse_markdown_v2
from neonpay.simulator.text.marks import utf16_length
from neonpay.simulator.wire.refusal import Refusal


def spans(parsed):
    text, entities = parsed
    encoded = text.encode("utf-16-le")
    return [
        (one["type"], encoded[2 * one["offset"] : 2 * (one["offset"] + one["length"])].decode("utf-16-le"))
        for one in entities
    ]


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("<b>a</b> &lt;&amp;&#33;", "a <&!", [("bold", "a")]),
        ("🚀<i>x<b>y</b></i>", "🚀xy", [("italic", "xy"), ("bold", "y")]),
        ('<a href="https://e.com?a=1&amp;b=2">link</a>', "link", [("text_link", "link")]),
        ("<tg-spoiler>s</tg-spoiler><span class='tg-spoiler'>t</span>", "st", [("spoiler", "s"), ("spoiler", "t")]),
        ('<pre><code class="language-python">x</code></pre>', "x", [("pre", "x")]),
        ("<blockquote expandable>q</blockquote>", "q", [("expandable_blockquote", "q")]),
        ("<b></b>plain &unknown;", "plain &unknown;", []),
    ],
)
def test_html(source, text, expected):
    parsed = parse_html(source)
    assert (parsed[0], spans(parsed)) == (text, expected)


def test_html_keeps_addresses_and_languages():
    assert parse_html('<a href="https://e.com?a=1&amp;b=2">x</a>')[1][0]["url"] == "https://e.com/?a=1&b=2"
    assert parse_html('<pre><code class="language-python">x</code></pre>')[1][0]["language"] == "python"


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("*bold* _it_ __un__ ~st~ ||sp||", "bold it un st sp",
         [("bold", "bold"), ("italic", "it"), ("underline", "un"), ("strikethrough", "st"), ("spoiler", "sp")]),
        ("5 Stars\\.", "5 Stars.", []),
        ("[a *b*](https://e.com/\\))", "a b", [("text_link", "a b"), ("bold", "b")]),
        ("`a*b` ```python\nx = 1```", "a*b x = 1", [("code", "a*b"), ("pre", "x = 1")]),
    ],
)  # fmt: skip
def test_markdown_v2(source, text, expected):
    parsed = parse_markdown_v2(source)
    assert (parsed[0], spans(parsed)) == (text, expected)


def test_old_markdown_needs_no_escapes():
    parsed = parse_markdown("*Costs* 5. (five) [x](http://e.com)")
    assert (parsed[0], spans(parsed)) == ("Costs 5. (five) x", [("bold", "Costs"), ("text_link", "x")])


@pytest.mark.parametrize("source", ["*a", "*a _b* c_", "a.", "`a", "||a|"])
def test_markdown_v2_that_is_wrong(source):
    with pytest.raises(Refusal, match="can't parse entities"):
        parse_markdown_v2(source)


@pytest.mark.parametrize("parse", [parse_html, parse_markdown, parse_markdown_v2])
@given(source=st.text(alphabet="<>/bai&;\"'= *_~|`[]()\\\n.⭐🚀", max_size=40))
def test_every_entity_lies_within_the_text(parse, source):
    try:
        text, entities = parse(source)
    except Refusal:
        return  # not markup; the texts are tested above
    for entity in entities:
        assert 0 <= entity["offset"] < entity["offset"] + entity["length"] <= utf16_length(text)

"""What Telegram's library says of formatted texts and of entities, and what it makes of them, as its source has it.

MessageEntity.cpp: parse_html, parse_markdown, parse_markdown_v2, fix_formatted_text. Client.cpp: get_text_entity.
"""

from __future__ import annotations

import pytest

PARSE = "can't parse entities: "
ENTITY = "can't parse MessageEntity: "

HTML = [
    ("<", "Unclosed start tag at byte offset 0"),
    ("ä<b", "Unclosed start tag at byte offset 2"),
    ("<b ", 'Empty attribute name in the tag "b" at byte offset 0'),
    ("<>x", 'Unsupported start tag "" at byte offset 0'),
    ("a < b > c", 'Unsupported start tag "" at byte offset 2'),
    ("<br/>", 'Unsupported start tag "br/" at byte offset 0'),
    ("<B>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
    ("x</b>", "Unexpected end tag at byte offset 1"),
    ("<b>x</b", "Unclosed end tag at byte offset 4"),
    ("<b>x</b y>", "Unclosed end tag at byte offset 4"),
    ("<i>x", 'Can\'t find end tag corresponding to start tag "i"'),
    ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
    ("<a href>x</a", "Unclosed end tag at byte offset 9"),
    ("<a href", "Unclosed start tag \"a\" at byte offset 0"),
    ('<a href="x', "Unclosed start tag at byte offset 0"),
    ("<a href=x:y>z</a>", "Unexpected end of name token at byte offset 8"),
    ("<tg-emoji emoji-id='x'>x</tg-emoji>", "Invalid custom emoji identifier specified"),
    ("<tg-time unix='5' format='x'>x</tg-time>", "Invalid date format used"),
    ("&#xD83D;",
     "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units"),
]  # fmt: skip

MARKDOWN_V2 = [
    ("*bold", "Can't find end of Bold entity at byte offset 0"),
    ("ä *bold", "Can't find end of Bold entity at byte offset 3"),
    ("_it", "Can't find end of Italic entity at byte offset 0"),
    ("__un", "Can't find end of Underline entity at byte offset 0"),
    ("~st", "Can't find end of Strikethrough entity at byte offset 0"),
    ("||sp", "Can't find end of Spoiler entity at byte offset 0"),
    ("`co", "Can't find end of Code entity at byte offset 0"),
    ("```co", "Can't find end of Pre entity at byte offset 0"),
    ("```py\nco", "Can't find end of PreCode entity at byte offset 0"),
    ("[te", "Can't find end of TextUrl entity at byte offset 0"),
    ("[te](ht", "Can't find end of a URL at byte offset 5"),
    ("*a _b* c_", "Can't find end of Italic entity at byte offset 8"),
    (">*a\nb", "Can't find end of Bold entity at byte offset 1"),
    ("![x]", "The entity must contain a tg://emoji or tg://time URL"),
    ("![x](https://e.com)", "Invalid tg://emoji or tg://time URL specified"),
    *[(f"a{mark}b", f"Character '{mark}' is reserved and must be escaped with the preceding '\\'") for mark in ".!-=|{}#+()>]"],
]  # fmt: skip

MARKDOWN = [
    ("*bold", "Can't find end of the entity starting at byte offset 0"),
    ("ä _it", "Can't find end of the entity starting at byte offset 3"),
    ("```co``", "Can't find end of the entity starting at byte offset 0"),
    ("[te", "Can't find end of the entity starting at byte offset 0"),
]


@pytest.mark.parametrize(
    ("mode", "text", "reason"),
    [
        *[("HTML", text, reason) for text, reason in HTML],
        *[("MarkdownV2", text, reason) for text, reason in MARKDOWN_V2],
        *[("Markdown", text, reason) for text, reason in MARKDOWN],
    ],
)
async def test_a_text_that_cannot_be_parsed_is_refused_in_telegrams_words(ann, wire, mode, text, reason):
    reply = await wire("sendMessage", chat_id=ann.id, text=text, parse_mode=mode)
    assert (reply.status, reply.description) == (400, f"Bad Request: {PARSE}{reason}")


def entity(kind="bold", offset=0, length=1, **more):
    return {"type": kind, "offset": offset, "length": length} | more


@pytest.mark.parametrize(
    ("entities", "reason"),
    [
        (["x"], f"{ENTITY}expected an Object"),
        ([{"type": "bold", "length": 1}], f'{ENTITY}Can\'t find field "offset"'),
        ([{"type": "bold", "offset": 0}], f'{ENTITY}Can\'t find field "length"'),
        ([{"offset": 0, "length": 1}], f'{ENTITY}Can\'t find field "type"'),
        ([entity(offset=None)], f'{ENTITY}Field "offset" must be a Number'),
        ([entity(length="one")], f'{ENTITY}Field "length" must be a valid Number'),
        ([entity("")], f"{ENTITY}Type is not specified"),
        ([entity("fancy")], f"{ENTITY}Unsupported type specified"),
        ([entity("text_link")], f'{ENTITY}Can\'t find field "url"'),
        ([entity("text_mention")], f'{ENTITY}Can\'t find field "user"'),
        ([entity("text_mention", user={})], f'{ENTITY}Can\'t find field "id"'),
        ([entity("custom_emoji")], f'{ENTITY}Can\'t find field "custom_emoji_id"'),
        ([entity("custom_emoji", custom_emoji_id="x")], f'{ENTITY}Field "custom_emoji_id" must be a valid Number'),
        ([entity("date_time")], f'{ENTITY}Can\'t find field "unix_time"'),
        ([entity("date_time", unix_time=5, date_time_format="x")], f"{ENTITY}Invalid date-time format specified"),
        ([entity("date_time", unix_time=0)], "invalid date specified"),
        ([entity("custom_emoji", custom_emoji_id=0)], "invalid custom emoji identifier specified"),
        ([entity("text_link", url="ftp://e.com")], "entity URL 'ftp://e.com' is invalid: Unsupported URL protocol"),
        ([entity("text_link", url="nowhere")], "entity URL 'nowhere' is invalid: Wrong HTTP URL"),
        ([entity(offset=-1)], "receive an entity with incorrect offset -1"),
        ([entity(length=-1)], "receive an entity with incorrect length -1"),
        ([entity(offset=1_000_001)], "receive an entity with incorrect offset 1000001"),
        ([entity(offset=9)], "entity begins after the end of the text at UTF-16 offset 9"),
        ([entity(length=9)], "entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 9"),
        ([entity(offset=4)], "entity begins in a middle of a UTF-16 symbol at byte offset 7"),
        ([entity(length=4)], "entity beginning at UTF-16 offset 0 ends in a middle of a UTF-16 symbol at byte offset 7"),
    ],
)  # fmt: skip
async def test_entities_are_refused_in_the_servers_words(ann, wire, entities, reason):
    reply = await wire("sendMessage", chat_id=ann.id, text="abc🚀d", entities=entities)
    assert (reply.status, reply.description) == (400, f"Bad Request: {reason}")


@pytest.mark.parametrize(
    ("text", "mode", "entities", "shown", "kinds"),
    [
        ("a\tb\x01c\rd", None, None, "a b cd", []),
        ("  a\n", None, None, "a", []),
        ("a\u2028b\u0333", None, None, "ab", []),
        ("\xa0a\xa0", None, None, "\xa0a\xa0", []),
        ("a b", None, [entity("mention")], "a b", []),
        ("a b", None, [entity(length=0)], "a b", []),
        ("a b", None, "nonsense", "a b", []),
        ("a b", None, '{"type": "bold"}', "a b", []),
        ("  ab", None, [entity(offset=2, length=2)], "ab", [("bold", 0, 2)]),
        ("\r\rab", None, [entity(offset=2, length=2)], "ab", [("bold", 0, 2)]),
        ("ab  ", None, [entity(offset=1, length=3)], "ab", [("bold", 1, 1)]),
        ("ab", None, [entity("text_link", length=2, url="e.com")], "ab", [("text_link", 0, 2)]),
        ("ab", None, [entity("date_time", length=2, unix_time=5)], "ab", [("date_time", 0, 2)]),
        ("<b>a</>", "HTML", None, "a", [("bold", 0, 1)]),
        ("&lt &#65;&#x42 &nbsp;&amp;", "HTML", None, "< AB &nbsp;&", []),
        ("<b><i>ab</i></b>", "html", None, "ab", [("bold", 0, 2), ("italic", 0, 2)]),
        ("<a href='nowhere'>ab</a>", "HTML", None, "ab", []),
        ("<a>https://e.com</a>", "HTML", None, "https://e.com", [("text_link", 0, 13)]),
        ("<pre><code class='language-py'>x</code></pre>", "HTML", None, "x", [("pre", 0, 1)]),
        ("<pre><code>x</code></pre>", "HTML", None, "x", [("pre", 0, 1), ("code", 0, 1)]),
        ("<tg-time unix='5'>x</tg-time>", "HTML", None, "x", [("date_time", 0, 1)]),
        (">a\n>b\nc", "MarkdownV2", None, "a\nb\nc", [("blockquote", 0, 4)]),
        (">a||", "MarkdownV2", None, "a", [("expandable_blockquote", 0, 1)]),
        ("`a.b`", "MarkdownV2", None, "a.b", [("code", 0, 3)]),
        ("```py\nx```", "MarkdownV2", None, "x", [("pre", 0, 1)]),
        ("![x](tg://emoji?id=5)", "MarkdownV2", None, "x", [("custom_emoji", 0, 1)]),
        ("_a__b__c_", "MarkdownV2", None, "abc", [("italic", 0, 3), ("underline", 1, 1)]),
        ("[a](nowhere)", "MarkdownV2", None, "a", []),
        ("\\*a\\*", "MarkdownV2", None, "*a*", []),
        ("*a_b*c", "Markdown", None, "a_bc", [("bold", 0, 3)]),
        ("[e.com]", "Markdown", None, "e.com", [("text_link", 0, 5)]),
    ],
)
async def test_a_text_becomes_what_telegram_makes_of_it(ann, wire, text, mode, entities, shown, kinds):
    sent = (await wire("sendMessage", chat_id=ann.id, text=text, parse_mode=mode, entities=entities)).result
    found = [(one["type"], one["offset"], one["length"]) for one in sent.get("entities", [])]
    assert (sent["text"], found) == (shown, kinds)


@pytest.mark.parametrize(
    ("text", "mode", "reason"),
    [
        ("", None, "message text is empty"),
        ("   ", None, "text must be non-empty"),
        ("<b></b>", "HTML", "text must be non-empty"),
        ("x" * 4097, None, "message is too long"),
        ("x" * 32_769, None, "text is too long"),
        ("x", "HTML5", "unsupported parse_mode"),
    ],
)
async def test_a_text_that_is_none(ann, wire, text, mode, reason):
    reply = await wire("sendMessage", chat_id=ann.id, text=text, parse_mode=mode)
    assert (reply.status, reply.description) == (400, f"Bad Request: {reason}")


@pytest.mark.parametrize("mode", ["none", "NONE", ""])
async def test_a_parse_mode_of_none_is_none(ann, wire, mode):
    assert (await wire("sendMessage", chat_id=ann.id, text="<b>", parse_mode=mode)).result["text"] == "<b>"

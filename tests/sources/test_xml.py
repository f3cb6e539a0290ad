"""Tests of XML that is broken: what is repaired, what costs one item, and that time stays linear."""

from contextlib import suppress
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from digest.models.errors import SourceChanged
from digest.sources.items import UnreadableItem
from digest.sources.xml import Parsed, parse_document, parse_elements, text_of

HEAD, TAIL = (
    '<?xml version="1.0"?><rss xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>',
    "</channel></rss>",
)


def make_item(title: str, more: str = "") -> str:
    return f"<item><title>{title}</title>{more}<link>http://x</link></item>"


def parse_titles(body: str | bytes) -> Parsed[str]:
    encoded = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    return parse_elements(encoded, ("{*}item",), lambda item: text_of(item.find("title")))


@pytest.mark.parametrize(
    ("second", "title"),
    [
        (make_item("wool\x08\x0b\ufffe"), "wool"),
        (make_item("wool&#8;&#xD800;&#0;"), "wool"),
        (make_item("R&D & wool"), "R&D & wool"),
        (make_item("wool &foo; &amp D"), "wool &foo; & D"),
        (make_item("laine&nbsp;d&eacute;j&agrave; &ldquo;vue&rdquo;"), "laine\xa0déjà “vue”"),
        (make_item("p < 0.05"), "p < 0.05"),
        (make_item("b<a and c>d"), "b<a and c>d"),
        (make_item("a ]]> b"), "a ]]> b"),
        (make_item("<![CDATA[R&D <i>wool</i>\x01]]>"), "R&D <i>wool</i>"),
        (make_item("<![CDATA[wool"), "wool"),
        (make_item("<!-- wool"), "wool"),
        (make_item("one<br>two"), "one<br>two"),
        (make_item("wool", "<d><div><p>x</div></p></b></d>"), "wool"),
        (make_item("wool", "<d><a href=x title='1' title='2'>y</a></d>"), "wool"),
        (make_item("wool", "<foo:title>other</foo:title>"), "wool"),
        (make_item("wool").replace("</item>", ""), "wool"),
        (make_item("wool").replace("</title>", ""), "wool"),
        (make_item("wool", "</div>"), "wool"),
    ],
)
def test_broken_item_harms_neither_itself_nor_its_neighbours(second: str, title: str) -> None:
    parsed = parse_titles(HEAD + make_item("first") + second + make_item("last") + TAIL)

    assert parsed.items == ("first", title, "last")
    assert not parsed.broken


@pytest.mark.parametrize("before", ["\n\n", "<!-- cached -->\n", "\ufeff\ufeff", "Warning: no file\n"])
def test_what_stands_before_the_declaration_is_left_out(before: str) -> None:
    assert parse_titles(before + HEAD + make_item("wool") + TAIL + "\0\0").items == ("wool",)


def test_repairs_are_counted() -> None:
    parsed = parse_titles(HEAD + make_item("a\x01b\x02 & c") + TAIL)
    assert parsed.repair_note == "Its XML was repaired: 2 × forbidden character, 1 × bare ampersand."
    assert parse_titles(HEAD + make_item("a") + TAIL).repair_note == ""


def test_truncated_and_broken_document_keeps_its_complete_items() -> None:
    parsed = parse_titles(HEAD + make_item("a & b") + make_item("c")[:-9])
    assert parsed.items == ("a & b",)
    assert parsed.broken


def test_unforeseen_error_costs_its_item_and_is_counted() -> None:
    def make(item: etree._Element) -> str:
        if (title := text_of(item.find("title"))) == "b":
            raise OverflowError
        if title == "c":
            raise UnreadableItem
        return title

    body = (HEAD + "".join(map(make_item, "abcd")) + TAIL).encode()
    parsed = parse_elements(body, ("item",), make)
    assert (parsed.items, parsed.skipped, parsed.unforeseen) == (("a", "d"), 1, 1)
    assert "1 items broke while they were read." in parsed.repair_note


def test_comment_within_a_text_is_not_part_of_it() -> None:
    assert parse_titles(HEAD + make_item("a<!-- no -->b") + TAIL).items == ("ab",)


def test_text_about_entities_is_read_and_their_declaration_refused() -> None:
    assert parse_titles(HEAD + make_item("<![CDATA[<!ENTITY a>]]>") + TAIL).items == ("<!ENTITY a>",)
    with pytest.raises(SourceChanged, match="entities"):
        parse_titles('<!DOCTYPE rss [<!ENTITY a "b">]>' + HEAD.partition("?>")[2] + TAIL)


def test_base_is_kept_where_items_are_cut_out() -> None:
    body = f'<feed xml:base="/a/">{make_item("b", "</x>")}</feed>'.encode()
    parsed = parse_elements(body, ("item",), lambda item: item.base, base_url="https://wool.example/feed")
    assert parsed.items == ("https://wool.example/a/",)


@pytest.mark.parametrize("body", [b"", b"wool", b"\x00\xff", b"{}"])
def test_other_body_is_source_changed(body: bytes) -> None:
    with pytest.raises(SourceChanged):
        parse_titles(body)
    with pytest.raises(SourceChanged):
        parse_document(body)


MARKUP = st.lists(
    st.sampled_from(
        ["<item>", "</item>", "<title>", "</title>", "wool", "<", ">", "&", "<!--", "-->", "<![CDATA[", "]]>",
         "<b x=", "'", '"', "/>", "<?", "?>", "&#8;", "&nbsp;", "\x00", "\ufffe", "<rss>", "</rss>", "<x:y>"]
    ),
    max_size=40,
).map("".join)  # fmt: skip


@given(MARKUP)
def test_any_damage_costs_only_the_item_it_is_in(damage: str) -> None:
    harmless = damage.replace("item", "x").replace("<!--", "").replace("<![CDATA[", "").replace("<?", "")
    body = HEAD + make_item("first") + make_item("second", f"<d>{harmless}</d>") + make_item("last") + TAIL
    titles = parse_titles(body).items
    assert (titles[0], titles[-1], len(titles)) == ("first", "last", 3)


@given(MARKUP)
def test_any_markup_is_read_or_source_changed(markup: str) -> None:
    with suppress(SourceChanged):
        assert parse_titles(markup).items is not None
        assert parse_document(markup.encode()).tag


@pytest.mark.parametrize(
    "unit",
    ["<", "&", "<item>", "<item x='", "<a b=", "<![CDATA[", "<!--", "<?", "</item>", "<x:y>", "]]>", "<b>"],
)
def test_time_is_linear_in_hostile_markup(unit: str) -> None:
    def measure(count: int) -> float:
        started = perf_counter()
        with suppress(SourceChanged):
            parse_titles(HEAD + "\x01" + unit * count)
        return perf_counter() - started

    measure(2_000)
    assert measure(20_000) < 30 * measure(2_000) + 0.5

"""Tests of RSS and Atom feeds of journals and blogs."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from digest.models import FetchState, Health, Paper
from digest.models.errors import SourceChanged
from digest.sources.base import FetchContext, fetch_source
from digest.sources.config import SourceConfig
from digest.sources.feeds import Feeds, name_scopes, parse, scope_of
from digest.sources.http.client import Client
from tests.factories import NOW
from tests.replay_server import ReplayServer, Reply

Replay = Callable[[str], bytes]


def test_parse_takes_the_doi_as_id_and_strips_markup(replay: Replay) -> None:
    article = parse(replay("feeds/journal.rdf"), "journal", NOW).papers[0]
    assert article.id == "doi:10.5555/wool.1"
    assert article.title == "On H₂O and études in wool science"
    assert article.abstract == "Wool with p < 0.05 & more."
    assert article.authors == ("Ada Loveless", "Bo Chen")
    assert article.published == datetime(2026, 11, 20, tzinfo=UTC)


def test_item_without_ids_goes_by_its_title_and_without_a_distinctive_title_is_skipped(
    replay: Replay,
) -> None:
    result = parse(replay("feeds/journal.rdf"), "journal", NOW)
    assert result.papers[1].id == "title:anarticleknowntothisjournalbynothingbutitstitle|white|2026"
    assert result.note == "1 items have neither an id nor a distinctive title."


def test_post_that_links_to_arxiv_is_that_paper(replay: Replay) -> None:
    (post,) = parse(replay("feeds/blog.rss"), "blog", NOW).papers
    assert (post.id, post.authors) == ("arxiv:2611.12001", ("Ada Loveless",))
    assert post.url == "https://arxiv.org/abs/2611.12001"


def test_arxiv_s_own_feed_can_be_parsed(replay: Replay) -> None:
    assert len(parse(replay("arxiv_rss/rss.xml"), "arxiv", NOW).papers) == 4
    assert len(parse(replay("arxiv_rss/atom.xml"), "arxiv", NOW).papers) == 1


def test_notices_of_a_journal_are_no_papers() -> None:
    titles = (
        "Correction to: Sheep in the meadows of Wales",
        "Editorial Board",
        "Sheep in the meadows of Wales",
    )
    items = (
        f"<item><title>{t}</title><link>https://doi.org/10.5555/{n}</link></item>"
        for n, t in enumerate(titles)
    )
    result = parse(f"<rss><channel>{''.join(items)}</channel></rss>".encode(), "journal", NOW)
    assert ([paper.id for paper in result.papers], result.note) == (["doi:10.5555/2"], "")


def test_truncated_feed_keeps_its_complete_items(replay: Replay) -> None:
    body = replay("feeds/journal.rdf")
    result = parse(body[: body.index(b"Editorial")], "journal", NOW)
    assert (len(result.papers), result.health) == (2, Health.TRUNCATED)


@pytest.mark.parametrize("body", [b"<html><p>&nbsp;</p></html>", b"<x/>", b"", b"x"])
def test_other_document_is_source_changed(body: bytes) -> None:
    with pytest.raises(SourceChanged):
        parse(body, "journal", NOW)


def test_scope_of_leaves_out_secrets_of_the_url() -> None:
    scope = scope_of("https://me:pw@journal.example/feed/?token=secret")
    assert scope.startswith("journal.example/feed #")
    assert not {"me", "pw", "token", "secret"} & set(re.findall("[a-z]+", scope))
    assert scope_of("https://journal.example/feed/") == "journal.example/feed"


def parse_item(fields: str, *, root: str = '<rss version="2.0"', url: str = "") -> Paper:
    namespaces = 'xmlns:media="http://search.yahoo.com/mrss/" xmlns:itunes="http://www.itunes.com/dtds/x.dtd"'
    namespaces += ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom"'
    body = (
        f"{root} {namespaces}><channel><link>https://j.example/</link><item>{fields}</item></channel></rss>"
    )
    (paper,) = parse(body.encode(), "feed", NOW, url=url).papers
    return paper


TITLE = "<title>A distinctive title about wool</title>"


@pytest.mark.parametrize(
    ("fields", "link"),
    [
        ("<link>/a b/1?x=1</link>", "https://wool.example/a%20b/1?x=1"),
        ("<link>1.html</link>", "https://wool.example/feeds/1.html"),
        ("<link>//other.example/1</link>", "https://other.example/1"),
        ("<link> \n https://other.example/\n1 </link>", "https://other.example/1"),
        ('<link xml:base="https://base.example/x/">1</link>', "https://base.example/x/1"),
        ("<guid>https://other.example/1</guid>", "https://other.example/1"),
        ('<guid isPermaLink="false">https://other.example/1</guid>', ""),
        ('<atom:link rel="self" href="/me"/><guid isPermaLink="true">/1</guid>', "https://wool.example/1"),
        ("<link>javascript:alert(1)</link>", ""),
        ("<link>https://[bad/</link>", ""),
    ],
)
def test_link_is_absolute_and_comes_from_guid_if_need_be(fields: str, link: str) -> None:
    assert parse_item(TITLE + fields, url="https://wool.example/feeds/rss.xml").url == link


def test_own_fields_win_over_other_vocabularies_which_only_fill_in() -> None:
    foreign = (
        "<media:title>photo</media:title><itunes:summary>sound</itunes:summary>"
        "<media:description>by me</media:description><itunes:author>Me</itunes:author>"
    )
    paper = parse_item(f"{foreign}{TITLE}<summary>Wool.</summary><author>ada@x.example (Ada Wolle)</author>")
    assert (paper.title, paper.abstract) == ("A distinctive title about wool", "Wool.")
    assert paper.authors == ("Ada Wolle",)
    assert parse_item(TITLE + foreign).abstract == "by me"


def test_first_date_that_can_be_read_counts() -> None:
    dates = "<pubDate>soon</pubDate><dc:date>0001-01-01</dc:date><updated>Nov 16, 2026</updated>"
    assert parse_item(TITLE + dates).published == datetime(2026, 11, 16, tzinfo=UTC)
    assert parse_item(f"{TITLE}<pubDate>31 Feb 2026</pubDate>").published is None


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("On &amp;lt;i&amp;gt;Ovis aries&amp;lt;/i&amp;gt; wool", "On Ovis aries wool"),
        ("Flocks where a&lt;b and c&gt;d, and i &lt; j", "Flocks where a<b and c>d, and i < j"),
        ("Wool &amp;amp;amp; R&amp;amp;D", "Wool & R&D"),
        ("<![CDATA[CO<sub>2</sub> in <em>wool</em>]]>", "CO₂ in wool"),
        ("The &lt;think&gt; tag of sheep", "The <think> tag of sheep"),
        ("The sheep&#146;s wool", "The sheep’s wool"),
    ],
)
def test_title_shows_no_markup_and_loses_no_sign(title: str, text: str) -> None:
    assert parse_item(f"<title>{title}</title><link>https://doi.org/10.5555/w.1</link>").title == text


def test_markup_that_was_not_escaped_is_read() -> None:
    body = "<div xmlns='http://www.w3.org/1999/xhtml'><h2>Aim</h2><p>We count.</p><p>Two</p></div>"
    paper = parse_item(
        "<title>On CO<sub>2</sub> of sheep at 10<sup>3</sup> K in 1 &lt; 2</title><link>https://p.example/a</link>"
        f"<description>{body}</description><author>Ada Wolle<sup>1</sup>, Bo Chen<sup>2,3</sup></author>"
    )
    assert paper.title == "On CO₂ of sheep at 10³ K in 1 < 2"
    assert (paper.abstract, paper.authors) == ("Aim We count. Two", ("Ada Wolle", "Bo Chen"))


def test_one_creator_may_be_family_and_given_name() -> None:
    assert parse_item(f"{TITLE}<dc:creator>Wolle, Ada</dc:creator>").authors == ("Ada Wolle",)
    several = "<dc:creator>Wolle, Ada, Jr.</dc:creator><dc:creator>Pura Lana, Bo</dc:creator>"
    assert parse_item(TITLE + several).authors == ("Ada Wolle Jr.", "Bo Pura Lana")


def test_what_a_publisher_writes_around_a_paper_is_not_its_own() -> None:
    description = (
        "&lt;p&gt;Publication date: May&lt;/p&gt;&lt;p&gt;Source: Wool&lt;/p&gt;Author(s): Ada Wolle, Bo Chen"
    )
    title = "<title>[Articles] How sheep count the wool of all other sheep</title>"
    paper = parse_item(f"{title}<description>{description}</description>")
    assert (paper.title, paper.abstract) == ("How sheep count the wool of all other sheep", "")
    assert paper.authors == ("Ada Wolle", "Bo Chen")
    earlier = "title:articleshowsheepcountthewoolofallothersheep||"  # the id by which it may be stored
    assert paper.aliases == (earlier,)
    bold = "<description>&lt;p&gt;&lt;b&gt;Abstract&lt;/b&gt; Sheep sleep.&lt;/p&gt;</description>"
    assert parse_item(title + bold).abstract == "Sheep sleep."


def test_atom_without_its_namespace_is_read() -> None:
    body = b"<feed><entry><title>A distinctive title about wool</title><link href='1'/></entry></feed>"
    assert parse(body, "feed", NOW, url="https://wool.example/x/").papers[0].url == "https://wool.example/x/1"


async def test_feeds_that_differ_only_in_their_query_have_a_memory_each(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    urls = (f"{server.url}/show?j=a", f"{server.url}/show?j=b")
    server.set_replies("/show", Reply(body=replay("feeds/journal.rdf")))
    states = {scope_of(urls[0]): FetchState(last_modified="Mon, 16 Nov 2026 08:00:00 GMT")}
    await fetch_source(Feeds(SourceConfig(feeds=urls)), FetchContext(client=client, now=NOW, states=states))
    assert ["If-Modified-Since" in request.headers for request in server.requests] == [True, False]


def test_addresses_that_differ_in_scheme_or_slash_have_a_memory_each() -> None:
    urls = (
        "https://a.example/feed",
        "http://a.example/feed",
        "https://a.example/feed/",
        "https://b.example/feed/",
    )
    scopes = name_scopes(urls)
    assert len({*scopes.values()}) == len(urls)
    assert scopes[urls[3]] == "b.example/feed"


def test_a_feed_in_capital_letters_is_read() -> None:
    body = (
        b"<RSS><CHANNEL><ITEM><TITLE>A Distinctive Title About Wool</TITLE>"
        b"<AUTHOR><NAME>Ada Loveless</NAME></AUTHOR>"
        b"<LINK>https://doi.org/10.5555/1</LINK><PUBDATE>20 Nov 2026</PUBDATE></ITEM></CHANNEL></RSS>"
    )
    (paper,) = parse(body, "wool", NOW).papers
    assert (paper.id, paper.authors) == ("doi:10.5555/1", ("Ada Loveless",))
    assert paper.published == datetime(2026, 11, 20, tzinfo=UTC)
    assert parse(b"<RSS><CHANNEL/></RSS>", "wool", NOW).health is Health.EMPTY


async def test_label_of_the_header_decides_how_a_feed_is_decoded(
    client: Client, server: ReplayServer
) -> None:
    body = "<rss><item><title>Овцы считают себя на лугу</title></item></rss>".encode("cp1251")
    server.set_replies("/feed", Reply(body=body, headers={"Content-Type": "text/xml; charset=windows-1251"}))
    (result,) = await fetch_source(
        Feeds(SourceConfig(feeds=(f"{server.url}/feed",))), FetchContext(client=client, now=NOW)
    )
    assert [paper.title for paper in result.papers] == ["Овцы считают себя на лугу"]


async def test_address_that_is_none_costs_its_own_feed_only(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/journal", Reply(body=replay("feeds/journal.rdf")))
    urls = ("http://[bad/feed", f"{server.url}/journal")
    results = await fetch_source(Feeds(SourceConfig(feeds=urls)), FetchContext(client=client, now=NOW))
    assert [result.health for result in results] == [Health.FAILED, Health.OK]


async def test_failing_feed_does_not_affect_others_and_an_unchanged_one_is_not_sent(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/journal", Reply(body=replay("feeds/journal.rdf"), headers={"ETag": '"7"'}))
    server.set_replies(
        "/blog", lambda request: Reply(status=304 if "If-None-Match" in request.headers else 500)
    )
    urls = tuple(f"{server.url}/{name}" for name in ("dead", "journal", "blog"))
    states = {scope_of(urls[2]): FetchState(etag='"6"')}
    results = await fetch_source(
        Feeds(SourceConfig(feeds=urls)), FetchContext(client=client, now=NOW, states=states)
    )
    assert [(r.health, len(r.papers)) for r in results] == [
        (Health.FAILED, 0), (Health.OK, 2), (Health.OK, 0),
    ]  # fmt: skip
    assert results[1].etag == '"7"'
    assert results[2].note == "Unchanged."

"""Tests of the public feeds, the sitemap and robots.txt."""

from datetime import timedelta
from email.utils import format_datetime

from httpx import AsyncClient
from lxml import etree

from digest.app.services import Services
from tests.factories import NOW, make_paper
from tests.web.visit import BASE, TITLES, Clock

ATOM = {"a": "http://www.w3.org/2005/Atom"}


async def test_the_atom_feed_holds_todays_trending_in_order(visitor: AsyncClient) -> None:
    response = await visitor.get("/feed.atom")
    assert response.headers["content-type"] == "application/atom+xml; charset=utf-8"
    feed = etree.fromstring(response.content)
    entries = feed.findall("a:entry", ATOM)
    assert [entry.findtext("a:title", namespaces=ATOM) for entry in entries] == list(TITLES)
    for entry in entries:
        assert all(entry.findtext(f"a:{name}", namespaces=ATOM) for name in ("id", "updated", "summary"))


async def test_the_json_feed_says_the_same(visitor: AsyncClient) -> None:
    feed = (await visitor.get("/feed.json")).json()
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert [item["title"] for item in feed["items"]] == list(TITLES)


async def test_a_category_has_a_feed_of_its_own(visitor: AsyncClient, services: Services) -> None:
    with services.store.begin() as tx:
        tx.papers.add([make_paper("A Robot That Knits", categories=["cs.RO"])], seen_at=NOW)
    items = (await visitor.get("/feed.json?category=cs.RO")).json()["items"]
    assert [item["title"] for item in items] == ["A Robot That Knits"]
    assert len((await visitor.get("/feed.json?category=cs")).json()["items"]) == 4
    assert (await visitor.get("/feed.json?category=math")).json()["items"] == []


async def test_a_feed_names_its_own_url_with_the_category_encoded(visitor: AsyncClient) -> None:
    feed = (await visitor.get("/feed.json?category=a%20b%26c")).json()
    assert feed["feed_url"] == f"{BASE}/feed.json?category=a+b%26c"


async def test_feed_answers_304_to_its_etag_only(visitor: AsyncClient, services: Services) -> None:
    for path in ("/feed.atom", "/feed.json", "/feed.atom?category=math"):
        first = await visitor.get(path)
        etag = first.headers["etag"]
        for known in (
            {"if-none-match": etag},
            {"if-none-match": etag, "if-modified-since": "Mon, 01 Jan 2024 00:00:00 GMT"},
            {"if-none-match": f"W/{etag}"},
            {"if-none-match": f'"other", W/{etag}'},
            {"if-none-match": "*"},
        ):
            again = await visitor.get(path, headers=known)
            assert (again.status_code, again.content) == (304, b"")
            assert (again.headers["etag"], again.headers["cache-control"]) == (etag, "public, max-age=600")
        for unknown in (
            {"if-none-match": '"other"', "if-modified-since": "Mon, 01 Jan 2125 00:00:00 GMT"},
            {"if-modified-since": "Mon, 01 Jan 2125 00:00:00 GMT"},
            {"if-modified-since": "yesterday"},
        ):
            assert (await visitor.get(path, headers=unknown)).status_code == 200


async def test_feed_with_a_new_paper_is_sent_again(
    visitor: AsyncClient, services: Services, clock: Clock
) -> None:
    first = await visitor.get("/feed.atom")
    old = make_paper("A Robot That Knits", first_seen=None)  # seen before the others
    with services.store.begin() as tx:
        tx.papers.add([old], seen_at=NOW - timedelta(hours=9))
    clock.advance(minutes=5)
    dates = {"if-modified-since": format_datetime(clock())}
    for known in ({"if-none-match": first.headers["etag"]}, dates):
        again = await visitor.get("/feed.atom", headers=known)
        assert again.status_code == 200
        assert "Knits" in again.text


async def test_hostile_papers_leave_a_feed_well_formed(visitor: AsyncClient, services: Services) -> None:
    nasty = "]]></title><script>\x00\x0b\ud800\ufffe&"
    with services.store.begin() as tx:
        tx.papers.add(
            [make_paper(nasty.replace("\ud800", ""), authors=[nasty.replace("\ud800", "")])], seen_at=NOW
        )
    feed = etree.fromstring((await visitor.get("/feed.atom?category=%22%3E%00%0b")).content)
    assert feed.tag.endswith("feed")
    assert len(etree.fromstring((await visitor.get("/feed.atom")).content)) > 4


async def test_every_url_of_the_sitemap_exists(visitor: AsyncClient) -> None:
    sitemap = etree.fromstring((await visitor.get("/sitemap.xml")).content)
    urls = [(loc.text or "").removeprefix(BASE) for loc in sitemap.iter("{*}loc")]
    assert "/archive/2026-11-23" in urls
    for url in (*urls[:4], urls[-1]):
        assert (await visitor.get(url)).status_code == 200


async def test_robots_txt_excludes_links_of_single_readers(visitor: AsyncClient) -> None:
    text = (await visitor.get("/robots.txt")).text
    assert "Disallow: /u/" in text
    assert f"Sitemap: {BASE}/sitemap.xml" in text

"""What can anyone read?"""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from lxml import html

from digest.app.services import Services
from digest.pipeline.fitted_models import climate_of, keep
from digest.web.app import build
from digest.web.middleware import MOST_BODY
from digest.web.trending_lists import TODAY, TrendingLists
from tests.factories import NOW, paper, signal
from tests.web.visit import BASE, TITLES, Clock, path_of

PUBLIC = ["/", "/?window=week", "/?window=month", "/papers", "/papers?q=sheep", "/archive", "/help"]


async def test_the_front_page_shows_the_hottest_first_and_says_why(visitor: AsyncClient) -> None:
    page = (await visitor.get("/")).text
    places = [page.index(title) for title in TITLES]
    assert places == sorted(places)
    assert "160 upvotes" in page
    assert "Get trending papers in your inbox once a day" in page


async def test_after_days_of_rest_the_front_page_leads_to_the_week(
    visitor: AsyncClient, clock: Clock
) -> None:
    clock.advance(days=3)
    page = html.fromstring((await visitor.get("/")).text)
    assert page.findtext(".//div[@class='card empty']/h2") == "No new papers in the last two days"
    way = page.find(".//main//a[@class='button']")
    assert way is not None
    assert way.text == "Trending this week"
    assert TITLES[0] in (await visitor.get(str(way.get("href")))).text
    clock.advance(days=90)
    assert "Nothing is trending yet" in (await visitor.get("/")).text


async def test_a_card_draws_how_its_votes_came_in_and_says_it_in_words(
    visitor: AsyncClient, services: Services
) -> None:
    assert "<svg" not in (await visitor.get("/")).text
    with services.store.begin() as tx:
        sheep = tx.papers.search("sheep")[0]
        tx.signals.observe([signal(sheep, 3, hours_ago=5), signal(sheep, 61, hours_ago=3)])
    again = AsyncClient(transport=ASGITransport(build(services, clock=Clock())), base_url=BASE)
    async with again:
        page = (await again.get("/")).text.replace("\N{NO-BREAK SPACE}", " ")
    assert page.count("<svg") == 1
    assert 'role="img"' in page
    assert "<title>from 3 upvotes on 23 Nov to 160 upvotes on 23 Nov</title>" in page


async def test_papers_are_hot_by_what_is_usual_lately(services: Services) -> None:
    usual = climate_of(services.store, NOW)
    assert TrendingLists(services.store).climate(NOW) == usual
    loud = replace(usual.paces[0], median=150.0)
    calm = {each.paper.title: each.heat.value for each in TrendingLists(services.store).trending(TODAY, NOW)}
    keep(services.store, (loud,))
    assert all(
        each.heat.value < calm[each.paper.title]
        for each in TrendingLists(services.store).trending(TODAY, NOW)
    )


@pytest.mark.parametrize("path", PUBLIC)
async def test_a_page_needs_no_script_and_loads_nothing_from_elsewhere(
    visitor: AsyncClient, path: str
) -> None:
    answer = await visitor.get(path)
    assert answer.status_code == 200
    assert "<script" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert "set-cookie" not in answer.headers


async def test_a_search_finds_by_the_beginning_of_a_word_and_can_be_subscribed_to(
    visitor: AsyncClient,
) -> None:
    page = (await visitor.get("/papers", params={"q": "teap"})).text
    assert TITLES[1] in page
    assert TITLES[0] not in page
    assert 'name="facet" maxlength="100" value="teap"' in page


async def test_of_papers_that_match_alike_the_one_everyone_reads_comes_first(
    visitor: AsyncClient, services: Services
) -> None:
    twins = [paper(f"Owls at Night {letter}", first_seen=None) for letter in "AB"]
    with services.store.begin() as tx:
        tx.papers.add(twins, seen_at=NOW - timedelta(hours=6))
        tx.signals.observe([signal(twins[0], 160, hours_ago=1)])
    page = (await visitor.get("/papers", params={"q": "owls"})).text
    assert page.index("Owls at Night A") < page.index("Owls at Night B")


@pytest.mark.parametrize(
    "query", ['"', "' OR 1=1", "NEAR(", "*", "a" * 5000, "\x00", "\U0001d518", "{{7*7}}", "<script>"]
)
async def test_a_search_for_anything_is_only_ever_words(visitor: AsyncClient, query: str) -> None:
    answer = await visitor.get("/papers", params={"q": query})
    assert answer.status_code == 200
    assert "<script>" not in answer.text
    assert "about “49”" not in answer.text


async def test_pages_of_results_lead_on_and_back(visitor: AsyncClient, services: Services) -> None:
    with services.store.begin() as tx:
        tx.papers.add([paper(f"Sheep number {n}") for n in range(40)], seen_at=NOW)
    first = (await visitor.get("/papers?q=sheep&category=cs")).text
    assert "page=2" in first
    assert "Previous page" not in first
    second = (await visitor.get("/papers?q=sheep&category=cs&page=2")).text
    assert "Previous page" in second


async def test_the_archive_leads_to_the_days_that_brought_papers(visitor: AsyncClient) -> None:
    assert "/archive/2026-11-23" in (await visitor.get("/archive")).text
    assert TITLES[0] in (await visitor.get("/archive/2026-11-23")).text
    assert "Nothing was announced" in (await visitor.get("/archive/2026-11-20")).text


async def test_a_day_of_the_archive_says_how_many_papers_it_leaves_out(
    visitor: AsyncClient, services: Services
) -> None:
    assert "hottest of" not in (await visitor.get("/archive/2026-11-23")).text
    with services.store.begin() as tx:
        tx.papers.add(
            [paper(f"Sheep No. {number}") for number in range(40)], seen_at=NOW - timedelta(hours=6)
        )
    again = AsyncClient(transport=ASGITransport(build(services, clock=Clock())), base_url=BASE)
    async with again:
        assert "The 25 hottest of 43 papers" in (await again.get("/archive/2026-11-23")).text


async def test_a_trend_is_no_reason_why_a_search_found_a_paper(visitor: AsyncClient) -> None:
    page = (await visitor.get("/papers?q=sheep")).text
    assert "Trend: 160 upvotes" in page
    assert "Why:" not in page


@pytest.mark.parametrize(
    "path",
    [
        "/archive/tomorrow",
        "/archive/2026-11-24",
        "/archive?month=13",
        "/nothing",
        "/archive/0001-01-01",
        "/archive/9999-12-31",
        "/archive?month=0001-01",
        "/archive?month=9999-12",
    ],
)
async def test_what_is_not_there_is_a_page_that_says_so(visitor: AsyncClient, path: str) -> None:
    answer = await visitor.get(path)
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


async def test_head_is_get_without_the_body(visitor: AsyncClient) -> None:
    got, head = await visitor.get("/help"), await visitor.head("/help")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == got.headers["content-length"]


async def test_a_slash_too_many_is_no_redirect(visitor: AsyncClient) -> None:
    assert (await visitor.get("/help/")).status_code == 404


async def test_hostile_titles_are_shown_as_text(visitor: AsyncClient, services: Services) -> None:
    nasty = "<script>alert(1)</script> {{7*7}} </title>"
    with services.store.begin() as tx:
        tx.papers.add([paper(nasty)], seen_at=NOW)
    for path in ("/", "/papers", "/archive/2026-11-23"):
        page = (await visitor.get(path)).text
        assert "<script" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt; {{7*7}}" in page


async def test_a_body_that_is_too_large_is_refused(visitor: AsyncClient) -> None:
    assert (await visitor.post("/subscribe", content=b"x" * 100_000)).status_code == 413

    async def trickle() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 1000

    told = await visitor.post(
        "/subscribe", content=trickle(), headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert told.status_code == 413


async def test_the_stylesheet_may_be_kept_and_changes_its_address_with_its_content(
    visitor: AsyncClient,
) -> None:
    page = (await visitor.get("/")).text
    address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    answer = await visitor.get(address)
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]


def test_no_page_of_fastapi_that_loads_from_elsewhere_is_left(app: FastAPI) -> None:
    assert app.docs_url is None
    assert app.redoc_url is None


@pytest.mark.parametrize(
    "path", ["/", "/?window=week", "/papers?q=sheep", "/archive", "/archive/2026-11-23", "/help"]
)
async def test_a_shared_page_says_what_it_holds_and_shows_a_picture(visitor: AsyncClient, path: str) -> None:
    page = html.fromstring((await visitor.get(path)).text)
    said = {str(each.get("property")): str(each.get("content")) for each in page.iter("meta")}
    assert said["og:url"].startswith(BASE)
    assert said["og:title"]
    assert 20 < len(said["og:description"]) <= 300
    picture = await visitor.get(said["og:image"])
    assert picture.content.startswith(b"\x89PNG")
    assert int.from_bytes(picture.content[16:20]) == int(said["og:image:width"])
    assert picture.headers["cross-origin-resource-policy"] == "cross-origin"


async def test_a_paper_has_a_page_to_send_to_a_colleague(visitor: AsyncClient, services: Services) -> None:
    with services.store.begin(write=False) as tx:
        sheep = tx.papers.search("sheep")[0]
    for name in (sheep.id, sheep.id.removeprefix("arxiv:"), sheep.url):
        page = html.fromstring((await visitor.get(f"/paper/{name}")).text)
        assert page.findtext(".//h1") == sheep.title
        assert page.xpath("//link[@rel='canonical']/@href") == [f"{BASE}/paper/{sheep.id}"]
    assert f'content="{sheep.title}"' in (await visitor.get(f"/paper/{sheep.id}")).text
    assert "November 2026 · 160 upvotes" in "".join(map(str, page.itertext())).replace(
        "\N{NO-BREAK SPACE}", " "
    )
    assert f'href="/paper/{sheep.id}"' in (await visitor.get("/")).text


async def test_pages_of_one_reader_offer_nothing_to_share(visitor: AsyncClient, services: Services) -> None:
    with services.store.begin() as tx:
        ada = tx.subscribers.add("ada@example.com", now=NOW)
    page = (await visitor.get(path_of(services.links.preferences(ada.pid)))).text
    assert "og:" not in page
    assert "canonical" not in page


async def test_a_refused_body_is_answered_in_the_form_its_reader_expects(visitor: AsyncClient) -> None:
    large = "x" * (MOST_BODY + 1)
    page = await visitor.post("/subscribe", data={"email": large})
    assert (page.status_code, page.headers["content-type"]) == (413, "text/html; charset=utf-8")
    answer = await visitor.post("/api/v1/subscribers", json={"email": large})
    assert (answer.status_code, list(answer.json())) == (413, ["error"])


async def test_what_nobody_can_see_is_left_out_of_a_search(visitor: AsyncClient) -> None:
    page = (await visitor.get("/papers?q=sheep%00%E2%80%AE&category=cs.LG%00")).text
    assert "\x00" not in page
    assert "\u202e" not in page
    assert TITLES[0] in page


async def test_another_host_name_changes_no_link_of_ours(visitor: AsyncClient) -> None:
    forged = {"host": "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-proto": "ftp"}
    for path in ("/", "/papers?q=sheep", "/sitemap.xml", "/feed.atom", "/favicon.ico", "/robots.txt"):
        answer = await visitor.get(path, headers=forged)
        assert "evil.example" not in answer.text + str(answer.headers)


@pytest.mark.parametrize(
    "path", ["//evil.example", "/%2F%2Fevil.example", "/papers//evil.example", "/\\evil.example"]
)
async def test_no_path_leads_to_another_site(visitor: AsyncClient, path: str) -> None:
    answer = await visitor.get(f"{BASE}{path}")
    assert "location" not in answer.headers


@pytest.mark.parametrize("field", ["q", "category", "period", "source"])
async def test_endless_text_in_any_field_is_cut_before_it_is_looked_for(
    visitor: AsyncClient, field: str
) -> None:
    page = await visitor.get("/papers", params={field: "sheep " * 5000})
    assert page.status_code == 200
    assert len(page.content) < 20_000

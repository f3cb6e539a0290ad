"""Tests of the public pages."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from lxml import html

from digest.app.services import Services
from digest.models import FetchResult, Health, SignalKind
from digest.models.papers import HubRepository
from digest.pipeline.fitted_models import load_baselines, save_fitted_models
from digest.web.app import create_app
from digest.web.middleware import MAX_BODY_BYTES
from digest.web.rate_limits import SAMPLES
from digest.web.trending_lists import TODAY, TrendingLists
from tests.factories import NOW, make_paper, make_signal, store_subscriber
from tests.web.visit import BASE, TITLES, Clock, list_scripts, url_path

PUBLIC = ["/", "/?window=week", "/?window=month", "/papers", "/papers?q=sheep", "/archive", "/help"]


async def test_the_front_page_shows_the_hottest_first_and_says_why(visitor: AsyncClient) -> None:
    page = (await visitor.get("/")).text
    positions = [page.index(title) for title in TITLES]
    assert positions == sorted(positions)
    assert "160 upvotes" in page
    assert "Get trending papers in your inbox once a day" in page


async def test_an_empty_front_page_links_to_the_week(visitor: AsyncClient, clock: Clock) -> None:
    clock.advance(days=3)
    page = html.fromstring((await visitor.get("/")).text)
    assert page.findtext(".//div[@class='card empty']/h2") == "No new papers in the last two days"
    button = page.find(".//main//a[@class='button']")
    assert button is not None
    assert button.text == "Trending this week"
    assert TITLES[0] in (await visitor.get(str(button.get("href")))).text
    clock.advance(days=90)
    assert "Nothing is trending yet" in (await visitor.get("/")).text


async def test_an_empty_front_page_tells_an_outage_from_a_holiday(
    visitor: AsyncClient, services: Services, clock: Clock
) -> None:
    clock.advance(days=3)  # Thanksgiving
    assert "arXiv announced nothing today." in (await visitor.get("/")).text
    clock.advance(days=1)
    assert "arXiv announces nothing on weekends and holidays." in (await visitor.get("/")).text
    with services.store.begin() as tx:
        tx.sources.record(FetchResult(source="arxiv", scope="cs", read_at=clock(), health=Health.FAILED))
    page = (await visitor.get("/")).text
    assert "arxiv could not be read today" in page
    assert "arXiv announce" not in page
    clock.advance(days=1)  # a Saturday
    page = (await visitor.get("/")).text
    assert "arXiv announced nothing today." in page
    assert "could not be read" not in page


async def test_a_card_shows_a_sparkline_with_a_text_alternative(
    visitor: AsyncClient, services: Services
) -> None:
    assert "<svg" not in (await visitor.get("/")).text
    with services.store.begin() as tx:
        sheep = tx.papers.search("sheep")[0]
        tx.signals.add([make_signal(sheep, 3, hours_ago=5), make_signal(sheep, 61, hours_ago=3)])
    again = AsyncClient(transport=ASGITransport(create_app(services, clock=Clock())), base_url=BASE)
    async with again:
        page = (await again.get("/")).text.replace("\N{NO-BREAK SPACE}", " ")
    assert page.count("<svg") == 1
    assert 'role="img"' in page
    assert "<title>from 3 upvotes on 23 Nov to 160 upvotes on 23 Nov</title>" in page


async def test_heat_depends_on_the_fitted_baselines(services: Services) -> None:
    usual = load_baselines(services.store, NOW)
    assert TrendingLists(services.store).baselines(NOW) == usual
    higher = replace(usual.curves[0], median=150.0)
    before = {
        item.paper.title: item.heat.value for item in TrendingLists(services.store).trending(TODAY, NOW)
    }
    save_fitted_models(services.store, (higher,))
    assert all(
        item.heat.value < before[item.paper.title]
        for item in TrendingLists(services.store).trending(TODAY, NOW)
    )


@pytest.mark.parametrize("path", PUBLIC)
async def test_a_page_needs_no_script_and_loads_nothing_from_elsewhere(
    visitor: AsyncClient, path: str
) -> None:
    response = await visitor.get(path)
    assert response.status_code == 200
    assert all(re.fullmatch(r"/\w+\.js\?\w+", source) for source in list_scripts(response.text))
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "same-origin"
    assert response.headers["cache-control"] == "private, no-cache"
    assert "set-cookie" not in response.headers


async def test_a_search_finds_by_the_beginning_of_a_word_and_can_be_subscribed_to(
    visitor: AsyncClient,
) -> None:
    page = (await visitor.get("/papers", params={"q": "teap"})).text
    assert TITLES[1] in page
    assert TITLES[0] not in page
    assert 'name="facet" maxlength="100" value="teap"' in page


async def test_equal_matches_are_sorted_by_heat(visitor: AsyncClient, services: Services) -> None:
    twins = [make_paper(f"Owls at Night {letter}", first_seen=None) for letter in "AB"]
    with services.store.begin() as tx:
        tx.papers.add(twins, seen_at=NOW - timedelta(hours=6))
        tx.signals.add([make_signal(twins[0], 160, hours_ago=1)])
    page = (await visitor.get("/papers", params={"q": "owls"})).text
    assert page.index("Owls at Night A") < page.index("Owls at Night B")


@pytest.mark.parametrize(
    "query", ['"', "' OR 1=1", "NEAR(", "*", "a" * 5000, "\x00", "\U0001d518", "{{7*7}}", "<script>"]
)
async def test_a_search_for_hostile_text_is_harmless(visitor: AsyncClient, query: str) -> None:
    response = await visitor.get("/papers", params={"q": query})
    assert response.status_code == 200
    assert "<script>" not in response.text
    assert "about “49”" not in response.text


async def test_search_results_are_paged(visitor: AsyncClient, services: Services) -> None:
    with services.store.begin() as tx:
        tx.papers.add([make_paper(f"Sheep number {n}") for n in range(40)], seen_at=NOW)
    first = (await visitor.get("/papers?q=sheep&category=cs")).text
    assert "page=2" in first
    assert "Previous page" not in first
    second = (await visitor.get("/papers?q=sheep&category=cs&page=2")).text
    assert "Previous page" in second


async def test_the_archive_links_to_days_with_papers(visitor: AsyncClient) -> None:
    assert "/archive/2026-11-23" in (await visitor.get("/archive")).text
    assert TITLES[0] in (await visitor.get("/archive/2026-11-23")).text
    assert "Nothing was announced" in (await visitor.get("/archive/2026-11-20")).text


async def test_a_day_of_the_archive_says_that_it_leaves_papers_out(
    visitor: AsyncClient, services: Services
) -> None:
    assert "with the most attention" not in (await visitor.get("/archive/2026-11-23")).text
    with services.store.begin() as tx:
        tx.papers.add(
            [make_paper(f"Sheep No. {number}") for number in range(40)], seen_at=NOW - timedelta(hours=6)
        )
    again = AsyncClient(transport=ASGITransport(create_app(services, clock=Clock())), base_url=BASE)
    async with again:
        page = (await again.get("/archive/2026-11-23")).text
    assert "The 25 papers with the most attention so far today." in page
    tomorrow = create_app(services, clock=Clock(NOW + timedelta(days=1)))
    async with AsyncClient(transport=ASGITransport(tomorrow), base_url=BASE) as later:
        page = (await later.get("/archive/2026-11-23")).text
    assert "The 25 papers with the most attention, as they stood when the day ended." in page


async def test_the_search_filter_names_the_sources_of_papers(visitor: AsyncClient) -> None:
    page = (await visitor.get("/papers?q=sheep&source=huggingface")).text
    assert '<option value="huggingface" selected>Hugging Face</option>' in page
    assert 'value="huggingface-repos"' not in page


async def test_search_results_show_the_trend_not_a_reason(visitor: AsyncClient) -> None:
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
async def test_an_unknown_page_is_a_404_page(visitor: AsyncClient, path: str) -> None:
    response = await visitor.get(path)
    assert response.status_code == 404
    assert "There is nothing here" in response.text


async def test_head_is_get_without_the_body(visitor: AsyncClient) -> None:
    got, head = await visitor.get("/help"), await visitor.head("/help")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == got.headers["content-length"]


async def test_a_trailing_slash_is_not_redirected(visitor: AsyncClient) -> None:
    assert (await visitor.get("/help/")).status_code == 404


async def test_hostile_titles_are_shown_as_text(visitor: AsyncClient, services: Services) -> None:
    nasty = "<script>alert(1)</script> {{7*7}} </title>"
    with services.store.begin() as tx:
        tx.papers.add([make_paper(nasty)], seen_at=NOW)
    for path in ("/", "/papers", "/archive/2026-11-23"):
        page = (await visitor.get(path)).text
        assert "<script>" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt; {{7*7}}" in page


async def test_a_body_that_is_too_large_is_refused(visitor: AsyncClient) -> None:
    assert (await visitor.post("/subscribe", content=b"x" * 100_000)).status_code == 413

    async def trickle() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 1000

    response = await visitor.post(
        "/subscribe", content=trickle(), headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert response.status_code == 413


async def test_the_stylesheet_url_is_versioned_and_cacheable(
    visitor: AsyncClient,
) -> None:
    page = (await visitor.get("/")).text
    address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    response = await visitor.get(address)
    assert response.headers["content-type"].startswith("text/css")
    assert "immutable" in response.headers["cache-control"]


def test_the_documentation_pages_of_fastapi_are_disabled(app: FastAPI) -> None:
    assert app.docs_url is None
    assert app.redoc_url is None


@pytest.mark.parametrize(
    "path", ["/", "/?window=week", "/papers?q=sheep", "/archive", "/archive/2026-11-23", "/help"]
)
async def test_a_public_page_has_metadata_for_link_previews(visitor: AsyncClient, path: str) -> None:
    page = html.fromstring((await visitor.get(path)).text)
    properties = {str(meta.get("property")): str(meta.get("content")) for meta in page.iter("meta")}
    assert properties["og:url"].startswith(BASE)
    assert properties["og:title"]
    assert 20 < len(properties["og:description"]) <= 300
    picture = await visitor.get(properties["og:image"])
    assert picture.content.startswith(b"\x89PNG")
    assert int.from_bytes(picture.content[16:20]) == int(properties["og:image:width"])
    assert picture.headers["cross-origin-resource-policy"] == "cross-origin"


async def test_a_paper_has_a_page_under_any_of_its_ids(visitor: AsyncClient, services: Services) -> None:
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


async def test_the_page_of_a_paper_links_what_cites_it_on_hugging_face(
    visitor: AsyncClient, services: Services
) -> None:
    with services.store.begin() as tx:
        sheep = tx.papers.search("sheep")[0]
        space = HubRepository(kind=SignalKind.SPACES, name="ada/count-sheep", likes=15)
        tx.hub_repositories.replace(
            {sheep.id: [HubRepository(kind=SignalKind.MODELS, name="ada/sheep"), space]}
        )
        counts = {SignalKind.MODELS: 12, SignalKind.SPACES: 1}
        tx.signals.add(
            make_signal(sheep, count, kind=kind, source="huggingface-repos") for kind, count in counts.items()
        )

    page = (await visitor.get(f"/paper/{sheep.id}")).text

    assert ">12\xa0models, 1\xa0Space</a>" in page
    listed = page.partition("<h2>On Hugging Face</h2>")[2].partition("</ul>")[0]
    assert re.findall(r'href="(.*?)">(.*?)</a><br><span class="hint">(.*?)</span>', listed) == [
        ("https://huggingface.co/spaces/ada/count-sheep", "ada/count-sheep", "Space · 15 likes"),
        ("https://huggingface.co/ada/sheep", "ada/sheep", "model"),
    ]


async def test_personal_pages_have_no_metadata_for_link_previews(
    visitor: AsyncClient, services: Services
) -> None:
    with services.store.begin() as tx:
        ada = store_subscriber(tx, "ada@example.com", now=NOW)
    page = (await visitor.get(url_path(services.links.preferences_url(ada.public_id)))).text
    assert "og:" not in page
    assert "canonical" not in page


async def test_a_body_that_is_too_large_is_refused_as_html_or_json(visitor: AsyncClient) -> None:
    large = "x" * (MAX_BODY_BYTES + 1)
    page = await visitor.post("/subscribe", data={"email": large})
    assert (page.status_code, page.headers["content-type"]) == (413, "text/html; charset=utf-8")
    response = await visitor.post("/api/v1/subscribers", json={"email": large})
    assert response.status_code == 413
    assert "error" in response.json()


async def test_a_search_drops_invisible_characters(visitor: AsyncClient) -> None:
    page = (await visitor.get("/papers?q=sheep%00%E2%80%AE&category=cs.LG%00")).text
    assert "\x00" not in page
    assert "\u202e" not in page
    assert TITLES[0] in page


async def test_a_forged_host_header_changes_no_link(visitor: AsyncClient) -> None:
    forged = {"host": "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-proto": "ftp"}
    for path in ("/", "/papers?q=sheep", "/sitemap.xml", "/feed.atom", "/favicon.ico", "/robots.txt"):
        response = await visitor.get(path, headers=forged)
        assert "evil.example" not in response.text + str(response.headers)


@pytest.mark.parametrize(
    "path", ["//evil.example", "/%2F%2Fevil.example", "/papers//evil.example", "/\\evil.example"]
)
async def test_no_path_redirects_to_another_site(visitor: AsyncClient, path: str) -> None:
    response = await visitor.get(f"{BASE}{path}")
    assert "location" not in response.headers


@pytest.mark.parametrize("field", ["q", "category", "period", "source"])
async def test_long_search_fields_are_truncated(visitor: AsyncClient, field: str) -> None:
    page = await visitor.get("/papers", params={field: "sheep " * 5000})
    assert page.status_code == 200
    assert len(page.content) < 20_000


async def test_a_sample_shows_todays_papers_with_reasons_and_offers_the_same_interests(
    visitor: AsyncClient,
) -> None:
    page = (await visitor.get("/sample?interests=teapots%2C+%3Cb%3E")).text
    assert TITLES[1] in page
    assert "Why:" in page
    assert "/v/" not in page
    assert html.fromstring(page).xpath('//input[@id="interests"]/@value') == ["teapots, <b>"]
    assert html.fromstring((await visitor.get("/sample")).text).xpath('//input[@id="interests"]/@value') == [
        ""
    ]


async def test_a_sample_says_that_nothing_was_picked_only_if_nothing_was(
    visitor: AsyncClient, services: Services
) -> None:
    with services.store.begin() as tx:
        tx.papers.add([make_paper("Glazes of Teapots")], seen_at=NOW - timedelta(hours=6))
    for interests, is_picked in (("teapots", True), ("xyzzy", False)):
        page = (await visitor.get("/sample", params={"interests": interests})).text
        assert ("No other new paper matches these interests" in page) is not is_picked


async def test_a_sample_splits_interests_as_sign_up_does(visitor: AsyncClient) -> None:
    page = (await visitor.get("/sample", params={"interests": "xyzzy; teapots\nplugh"})).text
    assert TITLES[1] in page


async def test_samples_are_limited_for_each_visitor(visitor: AsyncClient) -> None:
    codes = [(await visitor.get("/sample")).status_code for _ in range(int(SAMPLES.burst) + 1)]
    assert set(codes[:-1]) == {200}
    assert codes[-1] == 429


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("lovel", ["Ada Loveless"]),
        ("LOVELESS ad", ["Ada Loveless"]),
        ("chen", ["Bo Chen"]),
        ("muller", ["Eva Müller"]),
        ("sheep", []),  # a word of a title, not of a name
        ("a", []),
        ('"*', []),
    ],
)
async def test_names_of_authors_are_completed_from_the_papers(
    visitor: AsyncClient, services: Services, typed: str, names: list[str]
) -> None:
    with services.store.begin() as tx:
        tx.papers.add([make_paper("A Paper", authors=("Eva Müller",))], seen_at=NOW)
    assert (await visitor.get("/authors", params={"q": typed})).json() == {"names": names}


async def test_archive_offers_no_days_before_the_first_paper(visitor: AsyncClient) -> None:
    for path in ("/archive?month=1980-01", "/archive?month=2026-11", "/archive/1999-01-01"):
        assert 'rel="prev"' not in (await visitor.get(path)).text, path

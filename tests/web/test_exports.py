"""Downloads of a paper and of a reader's digest."""

from dataclasses import replace
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from httpx import AsyncClient

from digest.app.services import Services
from digest.models import DeliveryKind, NewDelivery, Subscriber
from digest.models.citations import CitationFormat
from digest.pipeline.plan import plan_editions
from tests.factories import NOW, make_paper
from tests.web.visit import BASE, TITLES, url_path


@pytest.fixture
def paper_id(services: Services) -> str:
    """The id of the paper with the most votes."""
    with services.store.begin(write=False) as tx:
        papers = tx.papers.search(TITLES[0])
    return next(paper.id for paper in papers if paper.title == TITLES[0])


@pytest.mark.parametrize("form", list(CitationFormat))
async def test_a_paper_is_downloaded_in_every_format(
    visitor: AsyncClient, paper_id: str, form: CitationFormat
) -> None:
    response = await visitor.get(f"/cite/{form}/{paper_id}")

    assert response.status_code == 200
    assert response.headers["content-type"] == f"{form.media_type}; charset=utf-8"
    name = paper_id.replace(":", "-")
    assert response.headers["content-disposition"] == f'attachment; filename="{name}{form.extension}"'
    assert TITLES[0] in response.text


async def test_a_digest_is_downloaded_by_its_own_link(
    visitor: AsyncClient, services: Services, ada: Subscriber, paper_id: str
) -> None:
    digest = NewDelivery(
        kind=DeliveryKind.DIGEST,
        key=f"digest/{NOW.date()}/{ada.id}",
        subscriber_id=ada.id,
        address=ada.address,
        day=NOW.date(),
        slot=NOW,
        not_before=NOW,
        not_after=NOW,
        payload={"papers": [paper_id]},
    )
    with services.store.begin() as tx:
        tx.deliveries.enqueue([digest], now=NOW)
    link = url_path(services.links.edition_url(ada.public_id, NOW.date()))

    response = await visitor.get(f"{link}/bibtex")

    assert f"@misc{{{paper_id}," in response.text
    assert response.headers["content-disposition"].endswith(f'"digest-{NOW.date()}.bib"')
    assert response.headers["cache-control"] == "no-store"
    other_day = url_path(services.links.edition_url(ada.public_id, NOW.date().replace(day=1)))
    assert (await visitor.get(f"{other_day}/bibtex")).status_code == 404


@pytest.mark.parametrize(
    "path", ["/cite/word/2611.00001", "/cite/bibtex/2611.99999", "/cite/bibtex/", "/e/forged.token.x/bibtex"]
)
async def test_what_is_not_there_is_404(visitor: AsyncClient, path: str) -> None:
    assert (await visitor.get(path)).status_code == 404


async def test_the_page_of_a_paper_can_be_cited_copied_and_read_by_zotero(
    visitor: AsyncClient, services: Services, paper_id: str
) -> None:
    other = make_paper("Counting Sheep in Sublinear Time, Again", id="arxiv:2611.90001")
    with services.store.begin() as tx:
        [paper] = tx.papers.get_by_ids([paper_id]).values()
        published = replace(paper, aliases=("doi:10.1038/s1",), categories=("cs.LG", "Nature"))
        tx.papers.add([other, published], seen_at=NOW)

    page = BeautifulSoup((await visitor.get(f"/paper/{paper_id}")).text, "html.parser")

    meta = [(tag["name"], tag["content"]) for tag in page.select('meta[name^="citation_"]')]
    arxiv_id = paper_id.removeprefix("arxiv:")
    assert meta == [
        ("citation_title", TITLES[0]),
        ("citation_author", "Loveless, Ada"),
        ("citation_author", "Chen, Bo"),
        ("citation_publication_date", "2026/11/22"),
        ("citation_journal_title", "Nature"),
        ("citation_doi", "10.1038/s1"),
        ("citation_arxiv_id", arxiv_id),
        ("citation_abstract_html_url", f"https://arxiv.org/abs/{arxiv_id}"),
        ("citation_pdf_url", f"https://arxiv.org/pdf/{arxiv_id}"),
    ]
    bibtex, link = page.select_one("#bibtex"), page.select_one("#page-link")
    assert bibtex
    assert bibtex.text.startswith(f"@article{{{paper_id},")
    assert link
    assert link["value"] == f"{BASE}/paper/{paper_id}"
    assert all(button.has_attr("hidden") for button in page.select("button[data-copy]"))
    downloads = [str(tag["href"]) for tag in page.select("a[download]")]
    assert downloads == [f"/cite/{form}/{paper_id}" for form in CitationFormat]
    related = [tag["href"] for tag in page.select(".brief a")]
    assert related[0] == f"/paper/{other.id}"
    assert f"/paper/{paper_id}" not in related


async def test_a_private_page_of_a_paper_has_no_metadata_for_robots(
    visitor: AsyncClient, services: Services, ada: Subscriber, paper_id: str
) -> None:
    page = await visitor.get(url_path(services.links.opening_url(ada.public_id, paper_id)))

    assert "citation_title" not in page.text


async def test_the_web_edition_has_news_and_downloads(
    visitor: AsyncClient, services: Services, ada: Subscriber
) -> None:
    old = make_paper("An Old Paper", id="arxiv:2610.90001")
    with services.store.begin() as tx:
        tx.papers.add([old], seen_at=NOW - timedelta(days=30))
        tx.saved_papers.add(ada.id, old, now=NOW - timedelta(days=20))
        tx.papers.add([replace(old, code_url="https://code.example.org")], seen_at=NOW - timedelta(hours=5))
        tx.subscribers.set_next_due({ada.id: NOW.replace(hour=7, minute=0)})
    assert plan_editions(services.store, NOW).planned == 1
    link = url_path(services.links.edition_url(ada.public_id, NOW.date()))

    page = BeautifulSoup((await visitor.get(link)).text, "html.parser")

    news = page.select_one(".brief li")
    assert news
    assert news.get_text(" ", strip=True) == "An Old Paper Code is available"
    assert [tag["href"] for tag in news.select("a")] == [old.url, "https://code.example.org"]
    downloads = [str(tag["href"]) for tag in page.select("a[download]")]
    assert downloads == [f"{link}/{form}" for form in CitationFormat]

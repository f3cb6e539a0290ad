"""Downloads of a paper and of a reader's digest."""

import pytest
from httpx import AsyncClient

from digest.app.services import Services
from digest.models import DeliveryKind, NewDelivery, Subscriber
from digest.models.citations import CitationFormat
from tests.factories import NOW
from tests.web.visit import TITLES, url_path


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
        key=f"digest/{ada.id}/{NOW.date()}",
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

"""Tests of feedback from the mail: the button records it, opening the link does not."""

import pytest
from httpx import AsyncClient

from digest.app.services import Services
from digest.mail.links import Links
from digest.mail.tokens import Keys
from digest.models import Paper, Subscriber
from tests.web.visit import BASE, SCANNERS, TITLES, ReaderLookup, url_path


@pytest.fixture
def teapots(services: Services) -> Paper:
    with services.store.begin(write=False) as tx:
        return tx.papers.search("teapots")[0]


async def test_opening_the_link_asks_and_changes_nothing(
    visitor: AsyncClient, services: Services, ada: Subscriber, teapots: Paper, find_reader: ReaderLookup
) -> None:
    link = url_path(services.links.more_url(ada.public_id, teapots.id))
    for agent in SCANNERS:
        for method in ("GET", "HEAD"):
            response = await visitor.request(method, link, headers={"user-agent": agent})
            assert response.status_code == 200
    page = (await visitor.get(link)).text
    assert TITLES[1] in page
    assert "Press a button to say so" in page
    assert find_reader(ada.address) == ada


async def test_the_last_feedback_on_a_paper_counts(
    visitor: AsyncClient, services: Services, ada: Subscriber, teapots: Paper, find_reader: ReaderLookup
) -> None:
    await visitor.post(url_path(services.links.more_url(ada.public_id, teapots.id)))
    liked = find_reader(ada.address)
    assert liked
    assert [liking.paper_id for liking in liked.profile.liked] == [teapots.id]
    await visitor.post(url_path(services.links.less_url(ada.public_id, teapots.id)))
    changed = find_reader(ada.address)
    assert changed
    assert [liking.paper_id for liking in changed.profile.disliked] == [teapots.id]
    assert changed.profile.liked == ()


async def test_a_paper_can_be_saved_from_the_same_page(
    visitor: AsyncClient, services: Services, ada: Subscriber, teapots: Paper, find_reader: ReaderLookup
) -> None:
    await visitor.post(url_path(services.links.less_url(ada.public_id, teapots.id)), data={"verdict": "save"})
    saved = find_reader(ada.address)
    assert saved
    assert [liking.paper_id for liking in saved.profile.liked] == [teapots.id]


async def test_a_link_for_another_reader_or_another_paper_teaches_nothing(
    visitor: AsyncClient, services: Services, ada: Subscriber, teapots: Paper, find_reader: ReaderLookup
) -> None:
    genuine = url_path(services.links.more_url(ada.public_id, teapots.id))
    forged = url_path(Links(BASE, Keys(b"another key")).more_url(ada.public_id, teapots.id))
    unknown = url_path(services.links.more_url(ada.public_id, "arxiv:1234.56789"))
    for path in (genuine + "x", forged, unknown, "/v/x", genuine.replace("/v/", "/p/")):
        assert (await visitor.post(path)).status_code == 404
    assert find_reader(ada.address) == ada

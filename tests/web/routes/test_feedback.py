"""More like this, less like this: the button teaches, opening the link does not."""

import pytest
from httpx import AsyncClient

from digest.app.services import Services
from digest.mail.links import Links
from digest.mail.tokens import Keys
from digest.models import Paper, Subscriber
from tests.web.visit import BASE, SCANNERS, TITLES, Look, path_of


@pytest.fixture
def teapots(services: Services) -> Paper:
    with services.store.begin(write=False) as tx:
        return tx.papers.search("teapots")[0]


async def test_opening_the_link_asks_and_changes_nothing(
    visitor: AsyncClient, services: Services, ada: Subscriber, teapots: Paper, reader_now: Look
) -> None:
    link = path_of(services.links.more(ada.pid, teapots.id))
    for agent in SCANNERS:
        for method in ("GET", "HEAD"):
            answer = await visitor.request(method, link, headers={"user-agent": agent})
            assert answer.status_code == 200
    page = (await visitor.get(link)).text
    assert TITLES[1] in page
    assert "Press a button to say so" in page
    assert reader_now(ada.address) == ada


async def test_more_and_less_teach_and_the_last_word_counts(
    visitor: AsyncClient, services: Services, ada: Subscriber, teapots: Paper, reader_now: Look
) -> None:
    await visitor.post(path_of(services.links.more(ada.pid, teapots.id)))
    liked = reader_now(ada.address)
    assert liked
    assert [liking.paper_id for liking in liked.profile.liked] == [teapots.id]
    await visitor.post(path_of(services.links.less(ada.pid, teapots.id)))
    changed = reader_now(ada.address)
    assert changed
    assert [liking.paper_id for liking in changed.profile.disliked] == [teapots.id]
    assert changed.profile.liked == ()


async def test_a_paper_can_be_saved_from_the_same_page(
    visitor: AsyncClient, services: Services, ada: Subscriber, teapots: Paper, reader_now: Look
) -> None:
    await visitor.post(path_of(services.links.less(ada.pid, teapots.id)), data={"verdict": "save"})
    saved = reader_now(ada.address)
    assert saved
    assert [liking.paper_id for liking in saved.profile.liked] == [teapots.id]


async def test_a_link_for_another_reader_or_another_paper_teaches_nothing(
    visitor: AsyncClient, services: Services, ada: Subscriber, teapots: Paper, reader_now: Look
) -> None:
    genuine = path_of(services.links.more(ada.pid, teapots.id))
    forged = path_of(Links(BASE, Keys(b"another house")).more(ada.pid, teapots.id))
    unknown = path_of(services.links.more(ada.pid, "arxiv:1234.56789"))
    for path in (genuine + "x", forged, unknown, "/v/x", genuine.replace("/v/", "/p/")):
        assert (await visitor.post(path)).status_code == 404
    assert reader_now(ada.address) == ada

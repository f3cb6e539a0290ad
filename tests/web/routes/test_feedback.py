"""Tests of feedback from the mail: the button records it, opening the link does not."""

import pytest
from httpx import AsyncClient

from digest.app.services import Services
from digest.mail.links import Links
from digest.mail.tokens import Keys, Purpose
from digest.models import Paper, Subscriber
from tests.factories import NOW, store_subscriber
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
    assert "Press a button to confirm" in page
    assert find_reader(ada.address) == ada


async def test_the_last_feedback_on_a_paper_counts(
    visitor: AsyncClient, services: Services, ada: Subscriber, teapots: Paper, find_reader: ReaderLookup
) -> None:
    noted = await visitor.post(url_path(services.links.more_url(ada.public_id, teapots.id)))
    assert "Save this paper" in noted.text
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
    unknown = url_path(services.links.more_url(ada.public_id, "arxiv:2612.34567"))
    for path in (genuine + "x", forged, unknown, "/v/x", genuine.replace("/v/", "/p/")):
        assert (await visitor.post(path)).status_code == 404
    assert find_reader(ada.address) == ada


@pytest.mark.parametrize("verdict", ["more", "less"])
async def test_links_sent_before_tokens_were_shared_work_for_their_paper_alone(
    visitor: AsyncClient, services: Services, ada: Subscriber, teapots: Paper, verdict: str
) -> None:
    extra = {"more": "+", "less": "-"}[verdict] + teapots.id
    token = services.links.keys.sign(Purpose.FEEDBACK, ada.public_id, extra)
    shared = services.links.keys.sign(Purpose.FEEDBACK, ada.public_id)
    name = url_path(services.links.more_url(ada.public_id, teapots.id)).rpartition("/")[2]
    for path in (f"/v/{token}/m/{name}", f"/v/{shared}", f"/v/{shared}/x/{name}", f"/v/{shared}/m/!!"):
        assert (await visitor.post(path)).status_code == 404
    assert count_votes(services, ada) == []
    page = await visitor.get(f"/v/{token}")
    assert f'action="/v/{token}"' in page.text
    await visitor.post(f"/v/{token}")
    assert count_votes(services, ada) == [(verdict, "")]


async def test_a_token_votes_for_its_reader_whatever_the_paper(
    visitor: AsyncClient, services: Services, ada: Subscriber, teapots: Paper
) -> None:
    with services.store.begin() as tx:
        bo = store_subscriber(tx, "bo@example.org", now=NOW)
        sheep = tx.papers.search("sheep")[0]
    for paper in (teapots, sheep):
        link = url_path(services.links.more_url(bo.public_id, paper.id))
        assert (
            await visitor.post(f" {link.upper().replace('/V/', '/v/').replace('/M/', '/m/')}).".strip())
        ).status_code == 200
    assert count_votes(services, bo) == [("more", "")] * 2
    assert count_votes(services, ada) == []


def count_votes(services: Services, reader: Subscriber) -> list[tuple[str, str]]:
    with services.store.begin(write=False) as tx:
        return [(vote.verdict, vote.reason) for vote in tx.votes.list_by_subscriber(reader.id)]


async def test_a_reason_is_asked_for_stored_and_can_be_undone_with_the_vote(
    visitor: AsyncClient, services: Services, ada: Subscriber, teapots: Paper, find_reader: ReaderLookup
) -> None:
    link = url_path(services.links.less_url(ada.public_id, teapots.id))
    assert "Not my topic" in (await visitor.post(link)).text
    page = await visitor.post(link, data={"verdict": "less", "reason": "seen", "back": "/o/a.b.c/2611.00001"})
    assert "seen before" in page.text
    assert 'href="/o/a.b.c/2611.00001"' in page.text
    assert count_votes(services, ada) == [("less", "seen")]
    assert "seen before" in (await visitor.get(link)).text
    exported = (await visitor.get(url_path(services.links.preferences_url(ada.public_id)) + "/export")).json()
    assert [(vote["paper"], vote["reason"]) for vote in exported["votes"]] == [(teapots.id, "seen")]
    assert "Undone" in (await visitor.post(link, data={"verdict": "undo"})).text
    assert count_votes(services, ada) == []
    after = find_reader(ada.address)
    assert after
    assert after.profile == ada.profile


@pytest.mark.parametrize("field", [{"reason": "x"}, {"back": "https://evil.example"}, {"back": "/admin"}])
async def test_hostile_fields_of_a_vote_are_ignored(
    visitor: AsyncClient, services: Services, ada: Subscriber, teapots: Paper, field: dict[str, str]
) -> None:
    link = url_path(services.links.less_url(ada.public_id, teapots.id))
    page = await visitor.post(link, data={"verdict": "x", **field})
    assert page.status_code == 200
    assert "evil" not in page.text
    assert "/admin" not in page.text
    assert count_votes(services, ada) == [("less", "")]

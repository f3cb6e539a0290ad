"""Tests of the calls on editions: they tell what was sent, not what became of it."""

from dataclasses import replace
from datetime import timedelta

from httpx import AsyncClient

from digest.app.services import Services
from digest.models import DeliveryState, Subscriber
from digest.pipeline.plan import plan_editions
from tests.delivery.harness import finish_all
from tests.factories import NOW
from tests.web.visit import ADMIN

BEARER = {"authorization": f"Bearer {ADMIN}"}


async def test_an_edition_is_told_as_it_was_sent_though_a_paper_was_revised_since(
    visitor: AsyncClient, services: Services, ada: Subscriber
) -> None:
    assert plan_editions(services.store, NOW, due_now=True).planned == 1
    finish_all(services.store, DeliveryState.ACCEPTED)
    (listed,) = (await visitor.get("/api/v1/editions", headers=BEARER)).json()["editions"]
    sent = (await visitor.get(f"/api/v1/editions/{listed['id']}", headers=BEARER)).json()

    first = sent["picks"][0]
    with services.store.begin() as tx:
        paper = tx.papers.get_by_ids([first["paper"]])[first["paper"]]
        revised = replace(paper, title="Another title of the second version", version=paper.version + 1)
        tx.papers.add([revised], seen_at=NOW + timedelta(hours=1))
        assert tx.papers.get_by_ids([paper.id])[paper.id].title == revised.title

    assert first["title"] == paper.title
    assert (await visitor.get(f"/api/v1/editions/{listed['id']}", headers=BEARER)).json() == sent

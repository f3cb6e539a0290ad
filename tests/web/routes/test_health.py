"""Tests of liveness, readiness and metrics."""

import re
from datetime import timedelta

from httpx import AsyncClient

from digest import subscribers
from digest.app.services import Services
from digest.models import FetchResult, Health, Subscriber
from tests.factories import NOW
from tests.web.visit import Clock


async def test_a_new_installation_is_alive_and_ready(visitor: AsyncClient) -> None:
    assert (await visitor.get("/healthz")).text == "ok\n"
    response = await visitor.get("/readyz")
    assert response.status_code == 200
    assert response.json()["ready"] is True


async def test_it_is_not_ready_while_a_subscriber_is_overdue(
    visitor: AsyncClient, services: Services, ada: Subscriber
) -> None:
    with services.store.begin() as tx:
        tx.subscribers.set_next_due({ada.id: NOW - timedelta(hours=1)})
    response = await visitor.get("/readyz")
    assert (response.status_code, response.json()["sending"]) == (503, "overdue")


async def test_it_is_not_ready_while_sending_is_stopped(visitor: AsyncClient, services: Services) -> None:
    with services.store.begin() as tx:
        tx.meta.pause("Restored from a backup.")
    response = await visitor.get("/readyz")
    assert (response.status_code, response.json()["sending"]) == (503, "Restored from a backup.")


async def test_metrics_are_well_formed_and_name_no_address(
    visitor: AsyncClient, services: Services, ada: Subscriber
) -> None:
    with services.store.begin() as tx:
        tx.sources.record(FetchResult(source="arxiv", scope='cs."x"\n', read_at=NOW, health=Health.FAILED))
    text = (await visitor.get("/metrics")).text
    assert 'digest_subscribers{status="confirmed"} 1' in text
    assert 'digest_source_ok{source="arxiv",scope="cs.\\"x\\"\\n"} 0' in text
    assert ada.address not in text
    metric_line = re.compile(r'(# (HELP|TYPE) \S+ .+|[a-z_]+(\{([a-z]+="([^"\\]|\\.)*",?)*\})? -?[0-9.]+)')
    assert all(metric_line.fullmatch(line) for line in text.splitlines())


async def test_metrics_count_what_readers_did_and_what_they_were_sent(
    visitor: AsyncClient, services: Services, ada: Subscriber, clock: Clock
) -> None:
    actor = subscribers.Actor("reader", NOW, services.suppression_key)
    with services.store.begin() as tx:
        tx.statistics.add_planned(NOW.date(), editions=2, picks=7)
        subscribers.unsubscribe(tx, ada.public_id, actor=actor)
        subscribers.suppress(tx, "gone@example.com", actor=actor)
    clock.advance(seconds=1)
    lines = (await visitor.get("/metrics")).text.splitlines()
    for line in (
        "digest_picks_per_mail 3.50",
        "digest_unsubscribes_daily 1",
        "digest_confirmations_daily 1",  # the fixture adds her as confirmed
        "digest_deferred_daily 0",
        'digest_votes_daily{verdict="more"} 0',
        'digest_suppressions{reason="admin"} 1',
        'digest_suppressions{reason="hard"} 0',
    ):
        assert line in lines, line

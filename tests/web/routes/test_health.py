"""Is it alive, is it ready, and how is it doing?"""

import re
from datetime import timedelta

from httpx import AsyncClient

from digest.app.services import Services
from digest.models import FetchResult, Health, Subscriber
from tests.factories import NOW


async def test_a_new_house_is_alive_and_ready(visitor: AsyncClient) -> None:
    assert (await visitor.get("/healthz")).text == "ok\n"
    answer = await visitor.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["ready"] is True


async def test_it_is_not_ready_while_someone_waits_for_too_long(
    visitor: AsyncClient, services: Services, ada: Subscriber
) -> None:
    with services.store.begin() as tx:
        tx.subscribers.set_next_dues({ada.id: NOW - timedelta(hours=1)})
    answer = await visitor.get("/readyz")
    assert (answer.status_code, answer.json()["sending"]) == (503, "overdue")


async def test_it_is_not_ready_while_sending_is_stopped(visitor: AsyncClient, services: Services) -> None:
    with services.store.begin() as tx:
        tx.meta.pause("Restored from a backup.")
    answer = await visitor.get("/readyz")
    assert (answer.status_code, answer.json()["sending"]) == (503, "Restored from a backup.")


async def test_metrics_count_and_name_nobody(
    visitor: AsyncClient, services: Services, ada: Subscriber
) -> None:
    with services.store.begin() as tx:
        tx.sources.record(FetchResult(source="arxiv", scope='cs."x"\n', read_at=NOW, health=Health.FAILED))
    text = (await visitor.get("/metrics")).text
    assert 'digest_subscribers{status="confirmed"} 1' in text
    assert 'digest_source_ok{source="arxiv",scope="cs.\\"x\\"\\n"} 0' in text
    assert ada.address not in text
    line = re.compile(r'(# (HELP|TYPE) \S+ .+|[a-z_]+(\{([a-z]+="([^"\\]|\\.)*",?)*\})? -?[0-9.]+)')
    assert all(line.fullmatch(each) for each in text.splitlines())

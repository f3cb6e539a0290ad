"""Do small changes that share a transaction stay out of each other's way?"""

import asyncio

import pytest

from digest.app.services import Services
from digest.db import Transaction
from digest.models.errors import StoreError
from digest.subscribers import Actor
from digest.web.write_batcher import MOST_TOGETHER, WriteBatcher
from tests.factories import NOW


async def test_a_mistake_of_ours_is_logged_and_leaves_nobody_behind_it_waiting(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    committer, by = WriteBatcher(services.store), Actor("reader", NOW, services.suppression_key)

    def mistaken(_: Transaction) -> None:
        raise ZeroDivisionError

    async with asyncio.timeout(10):
        first, *_, last = await asyncio.gather(
            committer.run(mistaken, by=by),
            *(committer.sign_up(None, by=by) for _ in range(MOST_TOGETHER)),
            return_exceptions=True,
        )
    assert isinstance(first, StoreError)
    assert last is None
    assert [record.getMessage() for record in caplog.records if record.exc_info] == ["changes not written"]

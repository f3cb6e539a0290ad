"""Fixtures of the delivery tests: a scripted mail server and a delivery harness."""

from collections.abc import AsyncIterator

import pytest

from digest.db import Database
from tests.delivery.harness import DeliveryHarness
from tests.smtp_server import SmtpServer


@pytest.fixture
async def server() -> AsyncIterator[SmtpServer]:
    """A mail server on loopback that accepts everything unless scripted otherwise."""
    async with SmtpServer().running() as running:
        yield running


@pytest.fixture
def harness(store: Database) -> DeliveryHarness:
    """A harness on SQLite."""
    return DeliveryHarness(store)


@pytest.fixture
def any_harness(any_store: Database) -> DeliveryHarness:
    """A harness on each of the two databases."""
    return DeliveryHarness(any_store)

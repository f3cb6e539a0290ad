"""What tests of the way out are given: a mail server that does as it is told, and a post office."""

from collections.abc import AsyncIterator

import pytest

from digest.db import Database
from tests.delivery.harness import Post
from tests.smtp_server import SmtpServer


@pytest.fixture
async def server() -> AsyncIterator[SmtpServer]:
    """A mail server on loopback; it is good until told otherwise."""
    async with SmtpServer().running() as running:
        yield running


@pytest.fixture
def post(store: Database) -> Post:
    """A post office on SQLite."""
    return Post(store)


@pytest.fixture
def any_post(any_store: Database) -> Post:
    """A post office on each of the two databases."""
    return Post(any_store)

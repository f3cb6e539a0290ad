"""Fixtures of the source tests: a server on loopback, a client with short waits, and recorded responses."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from digest.sources.http.client import Client
from digest.sources.http.policy import ClientPolicy
from tests.replay_server import ReplayServer

REPLAYS = Path(__file__).parents[1] / "replays"
RECORDED = Path(os.environ.get("DIGEST_RECORDED", Path(__file__).parents[3] / "shared" / "recorded"))


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    """A web server whose replies the test scripts."""
    with ReplayServer() as started:
        yield started


@pytest.fixture
def fast_policy() -> ClientPolicy:
    """A client policy with short waits and timeouts."""
    return ClientPolicy(
        user_agent="digest-test/1 (+https://digest.example; mailto:ada@example.com)",
        intervals={},
        interval=0.0,
        attempts=3,
        initial_wait=0.001,
        connect_timeout=2.0,
        read_timeout=0.5,
        total_timeout=2.0,
    )


@pytest.fixture
async def client(server: ReplayServer, fast_policy: ClientPolicy) -> AsyncIterator[Client]:
    """A client that trusts the server."""
    async with Client(fast_policy, trusted_urls=(server.url,)) as opened:
        yield opened


@pytest.fixture
def replay() -> Callable[[str], bytes]:
    """Read a small response in a source's true shape, written for these tests."""
    return lambda name: (REPLAYS / name).read_bytes()


@pytest.fixture
def recorded() -> Callable[[str], bytes]:
    """Read a genuine response; skips the test where the recordings are not beside the project."""

    def read(name: str) -> bytes:
        if not (RECORDED / name).is_file():
            pytest.skip(f"no genuine recordings at {RECORDED}; set DIGEST_RECORDED (tests/replays stand in)")
        return (RECORDED / name).read_bytes()

    return read

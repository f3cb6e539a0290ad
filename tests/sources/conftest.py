"""What tests of fetching are given: a server on loopback, a polite client in a hurry, and replays."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from digest.sources.http.client import Client, ClientPolicy
from tests.replay_server import ReplayServer

REPLAYS = Path(__file__).parents[1] / "replays"
RECORDED = Path(os.environ.get("DIGEST_RECORDED", Path(__file__).parents[3] / "shared" / "recorded"))


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    """A web server that says what the test scripts."""
    with ReplayServer() as started:
        yield started


@pytest.fixture
def hurried() -> ClientPolicy:
    """Good manners without the waiting."""
    return ClientPolicy(
        user_agent="digest-test/1 (+https://digest.example; mailto:ada@example.com)",
        intervals={},
        interval=0.0,
        attempts=3,
        first_wait=0.001,
        connect_within=2.0,
        read_within=0.5,
        whole_within=2.0,
    )


@pytest.fixture
async def client(server: ReplayServer, hurried: ClientPolicy) -> AsyncIterator[Client]:
    """A client to whom the server's address was given by the operator."""
    async with Client(hurried, trusted=(server.url,)) as opened:
        yield opened


@pytest.fixture
def replay() -> Callable[[str], bytes]:
    """A small answer of a source's true shape, written for these tests."""
    return lambda name: (REPLAYS / name).read_bytes()


@pytest.fixture
def recorded() -> Callable[[str], bytes]:
    """A genuine answer; the test is skipped where the recordings are not beside the project."""

    def read(name: str) -> bytes:
        if not (RECORDED / name).is_file():
            pytest.skip(f"no genuine recordings at {RECORDED}; set DIGEST_RECORDED (tests/replays stand in)")
        return (RECORDED / name).read_bytes()

    return read

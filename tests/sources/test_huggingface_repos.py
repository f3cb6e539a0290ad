"""Tests of the source that counts models, datasets and Spaces, into a real database."""

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any

import pytest

from digest.db import Database
from digest.models import FetchResult, Health, SignalKind
from digest.models.papers import HubRepository
from digest.pipeline.day import load_day
from digest.pipeline.ingest import fetch_sources
from digest.sources import huggingface_repos
from digest.sources.config import SourceConfig
from digest.sources.http.client import Client
from digest.sources.huggingface_repos import HuggingFaceRepos, parse
from tests.factories import NOW, make_paper, make_signal
from tests.replay_server import ReplayServer, Reply

Replay = Callable[[str], bytes]
SHEEP, WOOL, GOAT = "arxiv:2611.12001", "arxiv:2611.12002", "arxiv:2611.12003"
EMPTY = b'{"models":[],"datasets":[],"spaces":[]}'


def path(paper_id: str) -> str:
    return f"/api/arxiv/{paper_id.removeprefix('arxiv:')}/repos"


def model(name: object, **values: Any) -> dict[str, Any]:
    return {"id": name, "likes": 1, "private": False, **values}


@pytest.fixture
def voted(store: Database) -> Database:
    """A database with three papers that have votes, and two that are not asked for."""
    papers = [
        make_paper(f"Paper {id_}", id=id_) for id_ in (SHEEP, WOOL, GOAT, "arxiv:2611.12004", "doi:10.5/x")
    ]
    with store.begin() as tx:
        tx.papers.add(papers, seen_at=NOW - timedelta(hours=20))
        tx.signals.add(
            make_signal(paper, votes) for paper, votes in zip(papers, (50, 80, 20, 0, 99), strict=True)
        )
    return store


async def fetch(
    store: Database, client: Client, server: ReplayServer, now: datetime = NOW
) -> Sequence[FetchResult]:
    stored = await fetch_sources(
        store, [HuggingFaceRepos(SourceConfig(huggingface_url=server.url))], lambda: nullcontext(client), now
    )
    return [entry.result for entry in stored]


def read_counts(store: Database, paper_id: str) -> list[tuple[str, float]]:
    with store.begin(write=False) as tx:
        signals = tx.signals.get_until([paper_id], until=NOW + timedelta(days=9))[paper_id]
    return [(str(s.kind), s.value) for s in signals if s.source == "huggingface-repos"]


async def test_counts_and_the_best_liked_are_stored_and_shown_but_not_weighed(
    voted: Database, client: Client, server: ReplayServer, replay: Replay
) -> None:
    before = load_day(voted, NOW).candidates.heat[SHEEP]
    server.set_replies(path(SHEEP), Reply(body=replay("huggingface_repos/repos.json")))
    server.set_replies(path(WOOL), Reply(body=EMPTY))  # GOAT is unknown there: 404

    (result,) = await fetch(voted, client, server)

    assert (result.health, result.note) == (Health.OK, "")
    assert [request.path for request in server.requests] == [path(id_) for id_ in (WOOL, SHEEP, GOAT)]
    assert read_counts(voted, SHEEP) == [("datasets", 1), ("models", 4), ("spaces", 1)]
    assert read_counts(voted, GOAT) == [("datasets", 0), ("models", 0), ("spaces", 0)]
    with voted.begin(write=False) as tx:
        assert [(found.url, found.likes) for found in tx.hub_repositories.list_by_paper(SHEEP)] == [
            ("https://huggingface.co/sand-man/sheep-70b", 90),
            ("https://huggingface.co/spaces/ada/count-sheep", 15),
            ("https://huggingface.co/sand-man/sheep-7b", 12),
            ("https://huggingface.co/datasets/sand-man/fences", 7),
            ("https://huggingface.co/ada/sheep-gguf", 3),
        ]
        assert tx.hub_repositories.list_by_paper(WOOL) == []
    heat = load_day(voted, NOW).candidates.heat[SHEEP]
    assert (heat.models, heat.datasets, heat.spaces) == (4, 1, 1)
    assert (heat.value, heat.order, heat.expected, heat.votes) == (
        before.value, before.order, before.expected, before.votes
    )  # fmt: skip


async def test_a_paper_is_asked_for_once_a_day_and_every_count_is_kept_with_its_time(
    voted: Database, client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies(path(SHEEP), Reply(body=replay("huggingface_repos/repos.json")), Reply(body=EMPTY))
    for hours in (0, 1, 19):
        await fetch(voted, client, server, NOW + timedelta(hours=hours))
    assert len(server.requests) == 3

    await fetch(voted, client, server, NOW + timedelta(hours=24))

    models = [value for kind, value in read_counts(voted, SHEEP) if kind == "models"]
    assert models == [4, 0], "a snapshot of each day, and the last says that they are gone"
    with voted.begin(write=False) as tx:
        assert tx.hub_repositories.list_by_paper(SHEEP) == []


async def test_one_run_asks_for_so_many_papers_and_the_next_goes_on(
    voted: Database, client: Client, server: ReplayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_repos, "MAX_PAPERS", 2)
    for _ in range(3):
        await fetch(voted, client, server)
    assert [request.path for request in server.requests] == [path(id_) for id_ in (WOOL, SHEEP, GOAT)]


async def test_a_used_up_rate_limit_ends_the_run_and_what_was_read_counts(
    voted: Database, client: Client, server: ReplayServer
) -> None:
    server.set_replies(path(WOOL), Reply(body=json.dumps({"models": [model("a/wool")]}).encode()))
    limited = Reply(status=429, headers={"RateLimit": '"api";r=0;t=300', "Retry-After": "300"})
    server.set_replies(path(SHEEP), limited, Reply(body=EMPTY))

    (result,) = await fetch(voted, client, server)

    assert result.health is Health.TRUNCATED
    assert result.note.startswith("1 of 3 papers were looked up, then: ")
    assert len(server.requests) == 2, "no further request after the limit"
    assert read_counts(voted, WOOL)[1] == ("models", 1)
    assert not read_counts(voted, SHEEP)


@pytest.mark.parametrize(
    ("body", "health"),
    [
        (b"<!DOCTYPE html><html>Maintenance</html>", Health.CHANGED),
        (b"[]", Health.CHANGED),
        (b'{"error":"Something"}', Health.CHANGED),
        (b'{"models":{"a":1},"datasets":null}', Health.CHANGED),
    ],
)
async def test_an_answer_of_another_shape_changes_nothing(
    voted: Database, client: Client, server: ReplayServer, body: bytes, health: Health
) -> None:
    for paper_id in (WOOL, SHEEP, GOAT):
        server.set_replies(path(paper_id), Reply(body=body))
    (result,) = await fetch(voted, client, server)
    assert (result.health, bool(result.note)) == (health, True)
    assert not read_counts(voted, WOOL)


async def test_one_answer_of_another_shape_costs_only_its_paper(
    voted: Database, client: Client, server: ReplayServer
) -> None:
    server.set_replies(path(WOOL), Reply(body=b'{"unexpected":[1]}'))
    (result,) = await fetch(voted, client, server)
    assert (result.health, result.note) == (Health.TRUNCATED, "1 of 3 answers could not be read.")
    assert read_counts(voted, SHEEP)
    assert not read_counts(voted, WOOL)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (model("gpt2"), ("gpt2", 1)),
        (model("a/b", likes="many"), ("a/b", 0)),
        (model("a/b", likes=-1), ("a/b", 0)),
        (model("a/b", likes=True), ("a/b", 0)),
        (model("a/b", likes=10**30), ("a/b", 0)),
        (model("a/b", private=True), None),
        (model("a/b/c"), None),
        (model("../admin"), None),
        (model("a/b?x=1"), None),
        (model("a/b\n"), None),
        (model("javascript:alert(1)"), None),
        (model("a/" + "b" * 200), None),
        (model(None), None),
        (model(["a/b"]), None),
        ("a/b", None),
        (None, None),
    ],
)
def test_dirty_items_cost_only_themselves(item: object, expected: tuple[str, int] | None) -> None:
    body = json.dumps({"models": [item, model("safe/one", likes=0)], "spaces": "none"}).encode()
    found = parse(body)[SignalKind.MODELS]
    assert ("safe/one", 0) in [(repository.name, repository.likes) for repository in found]
    others = [(repository.name, repository.likes) for repository in found if repository.name != "safe/one"]
    assert others == ([expected] if expected else [])


def test_a_repeated_repository_counts_once() -> None:
    body = json.dumps({"models": [model("a/b"), model("A/b"), model("a/b")]}).encode()
    assert parse(body)[SignalKind.MODELS] == [HubRepository(kind=SignalKind.MODELS, name="a/b", likes=1)]

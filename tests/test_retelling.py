"""A model may help, never harm: not a mail is late or lost because of it, and it costs what it may."""

import json
from datetime import timedelta

import pytest

from digest.compose.cards import NOTHING_OWN, card
from digest.compose.tongue import tongue
from digest.fetch.llm import Model
from digest.model import Because, Heat, Paper, Pick, Reason, Section
from digest.retelling import retell
from digest.store import Store
from tests.house import NOW, paper
from tests.replay_server import Asked, ReplayServer, Reply

PATH = "/v1/chat/completions"
JSON = {"Content-Type": "application/json"}
SAID = "They count sheep in sublinear time and sleep well."


def answering(asked: Asked) -> Reply:
    """Says of every paper that it counts sheep."""
    numbers = json.loads(json.loads(asked.body)["messages"][1]["content"])
    content = json.dumps(dict.fromkeys(numbers, SAID))
    return Reply(body=json.dumps({"choices": [{"message": {"content": content}}]}).encode(), headers=JSON)


def kept(store: Store, *papers: Paper) -> list[str]:
    with store.begin() as tx:
        tx.papers.add(papers, seen_at=NOW)
    return [one.id for one in papers]


def retold(store: Store, known: str) -> str:
    with store.begin(write=False) as tx:
        return tx.papers.by_ids([known])[known].retold


def flock(count: int) -> list[Paper]:
    return [paper(f"Counting Sheep {number}", authors=(f"Ada {number}",)) for number in range(count)]


async def test_a_paper_is_asked_about_once_and_remembered(any_store: Store) -> None:
    ids = kept(any_store, paper())
    with ReplayServer() as server:
        server.answer(PATH, answering)
        model = Model(url=f"{server.url}/v1")
        assert await retell(any_store, model, ids, NOW) == 1
        assert await retell(any_store, model, ids, NOW) == 0
        assert len(server.requests) == 1
    assert retold(any_store, ids[0]) == SAID
    kept(any_store, paper(id=ids[0]))  # the source says it again
    assert retold(any_store, ids[0]) == SAID


async def test_papers_are_asked_about_in_batches_and_within_the_days_budget(store: Store) -> None:
    ids = kept(store, *flock(20))
    with ReplayServer() as server:
        server.answer(PATH, answering)
        model = Model(url=f"{server.url}/v1", budget=12)
        assert await retell(store, model, ids, NOW) == 12
        assert await retell(store, model, ids, NOW + timedelta(hours=1)) == 0
        assert len(server.requests) == 2
        assert await retell(store, model, ids, NOW + timedelta(days=1)) == 8


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"<html>502</html>", headers={"Content-Type": "text/html"}),
        Reply(body=b'{"choices": 7}', headers=JSON),
        Reply(status=500),
        Reply(silent=True),
        Reply(body=b"x" * 100, cut=10),
    ],
    ids=["html", "shape", "error", "silence", "cut"],
)
async def test_a_model_that_fails_is_left_alone_for_an_hour(store: Store, reply: Reply) -> None:
    ids = kept(store, paper())
    with ReplayServer() as server:
        server.answer(PATH, reply)
        model = Model(url=f"{server.url}/v1")
        assert await retell(store, model, ids, NOW, within=0.3) == 0
        assert await retell(store, model, ids, NOW + timedelta(minutes=59), within=0.3) == 0
        assert len(server.requests) == 1
        server.answer(PATH, answering)
        assert await retell(store, model, ids, NOW + timedelta(minutes=61)) == 1


async def test_without_a_model_nothing_is_asked_or_written(store: Store) -> None:
    assert await retell(store, None, kept(store, paper()), NOW) == 0


def told(one: Paper, language: str = "en") -> str:
    reason = Reason(because=Because.TREND)
    pick = Pick(paper=one, section=Section.TRENDING, heat=Heat(value=0.0, expected=0.0), reason=reason)
    return card(tongue(language), pick, 1, NOTHING_OWN).gist


async def test_what_a_model_says_is_labelled_in_every_language(store: Store) -> None:
    ids = kept(store, paper())
    with store.begin() as tx:
        tx.papers.retell({ids[0]: SAID, "arxiv:9999.99999": SAID})
        one = tx.papers.by_ids(ids)[ids[0]]
    assert told(one) == f"AI summary: {SAID}"
    assert told(one, "zh") == f"AI 摘要：{SAID}"
    assert "AI" not in told(paper())

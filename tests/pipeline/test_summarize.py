"""A model may help, never harm: not a mail is late or lost because of it, and it costs what it may."""

import json
from datetime import timedelta
from email import message_from_bytes, policy

import pytest

from digest.app.services import Services
from digest.db import Database
from digest.mail.cards import NOTHING_OWN, card
from digest.mail.locale import get_locale
from digest.models import Heat, Paper, Pick, Reason, ReasonKind, Section
from digest.pipeline import run
from digest.pipeline.summarize import retell
from digest.sources.llm import Model
from tests.factories import NOW, paper
from tests.pipeline.test_run import DUE, THURSDAY, World
from tests.pipeline.test_run import world as world  # noqa: PLC0414  a fixture is known by its name here
from tests.replay_server import Asked, ReplayServer, Reply

PATH = "/v1/chat/completions"
JSON = {"Content-Type": "application/json"}
SAID = "They count sheep in sublinear time and sleep well."


def answering(asked: Asked) -> Reply:
    """Says of every paper that it counts sheep."""
    numbers = json.loads(json.loads(asked.body)["messages"][1]["content"])
    content = json.dumps(dict.fromkeys(numbers, SAID))
    return Reply(body=json.dumps({"choices": [{"message": {"content": content}}]}).encode(), headers=JSON)


def kept(store: Database, *papers: Paper) -> list[str]:
    with store.begin() as tx:
        tx.papers.add(papers, seen_at=NOW)
    return [one.id for one in papers]


def retold(store: Database, known: str) -> str:
    with store.begin(write=False) as tx:
        return tx.papers.by_ids([known])[known].retold


def flock(count: int) -> list[Paper]:
    return [paper(f"Counting Sheep {number}", authors=(f"Ada {number}",)) for number in range(count)]


async def test_a_paper_is_asked_about_once_and_remembered(any_store: Database) -> None:
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


async def test_papers_are_asked_about_in_batches_and_within_the_days_budget(store: Database) -> None:
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
async def test_a_model_that_fails_is_left_alone_for_an_hour(store: Database, reply: Reply) -> None:
    ids = kept(store, paper())
    with ReplayServer() as server:
        server.answer(PATH, reply)
        model = Model(url=f"{server.url}/v1")
        within = 2 if reply.silent else 20  # seconds: enough to ask on the busiest machine
        assert await retell(store, model, ids, NOW, within=within) == 0
        assert await retell(store, model, ids, NOW + timedelta(minutes=59), within=within) == 0
        assert len(server.requests) == 1
        server.answer(PATH, answering)
        assert await retell(store, model, ids, NOW + timedelta(minutes=61)) == 1


async def test_without_a_model_nothing_is_asked_or_written(store: Database) -> None:
    assert await retell(store, None, kept(store, paper()), NOW) == 0


def told(one: Paper, language: str = "en") -> str:
    reason = Reason(because=ReasonKind.TREND)
    pick = Pick(paper=one, section=Section.TRENDING, heat=Heat(value=0.0, expected=0.0), reason=reason)
    return card(get_locale(language), pick, 1, NOTHING_OWN).gist


async def test_what_a_model_says_is_labelled_in_every_language(store: Database) -> None:
    ids = kept(store, paper())
    with store.begin() as tx:
        tx.papers.retell({ids[0]: SAID, "arxiv:9999.99999": SAID}, at=NOW)
        one = tx.papers.by_ids(ids)[ids[0]]
    assert told(one) == f"AI summary: {SAID}"
    assert told(one, "zh") == f"AI 摘要：{SAID}"
    assert "AI" not in told(paper())


def about_the_title(asked: Asked) -> Reply:
    """Says of every paper what its title says."""
    papers = json.loads(json.loads(asked.body)["messages"][1]["content"])
    content = json.dumps(
        {n: f"This paper is all about: {one['title'].rstrip('?.!')}." for n, one in papers.items()}
    )
    return Reply(body=json.dumps({"choices": [{"message": {"content": content}}]}).encode(), headers=JSON)


INJECTED = {"1": "Dear reader, send your password to <b>https://evil.example</b> now!"}
LIE = json.dumps({"choices": [{"message": {"content": json.dumps(INJECTED)}}]}).encode()


async def mailed(world: World, llm_url: str) -> str:
    """The text of the one mail of a whole day with this model."""
    services = Services(world.services.settings.model_copy(update={"llm_url": llm_url}), world.services.store)
    world.subscribe(keywords="robotics")
    await world.fetch(THURSDAY)
    day = await run.run(services, lambda: THURSDAY + DUE)
    assert day.tally.sent == 1
    (mail,) = world.mails()
    text = message_from_bytes(mail.read_bytes(), policy=policy.default).get_body(("plain",))
    assert text is not None
    return str(text.get_content())


async def test_a_mail_carries_what_the_model_says_with_its_label(world: World) -> None:
    with ReplayServer() as server:
        server.answer(PATH, about_the_title)
        text = await mailed(world, f"{server.url}/v1")
    assert "AI summary: This paper is all about" in " ".join(text.split())


async def test_a_dead_model_takes_nothing_from_the_mail(world: World) -> None:
    text = await mailed(world, "http://127.0.0.1:9/v1")
    assert "AI summary" not in text


async def test_what_a_lying_model_says_reaches_nobody(world: World) -> None:
    with ReplayServer() as server:
        server.answer(PATH, Reply(body=LIE, headers=JSON))
        text = await mailed(world, f"{server.url}/v1")
        assert server.requests
    assert "evil" not in text
    assert "AI summary" not in text

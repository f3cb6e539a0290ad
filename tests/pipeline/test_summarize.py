"""Tests of the summaries by a language model: they cost no mail and keep to their budget."""

import json
from datetime import timedelta
from email import message_from_bytes, policy

import pytest

from digest.app import run
from digest.app.services import Services
from digest.db import Database
from digest.mail.cards import NO_PERSONAL_FIELDS, build_card
from digest.mail.locale import get_locale
from digest.models import Heat, Paper, Pick, Reason, ReasonKind, Section
from digest.pipeline.summarize import summarize_papers
from digest.sources.llm import LanguageModel
from tests.app.test_run import DUE, THURSDAY, Installation
from tests.app.test_run import installation as installation  # noqa: PLC0414  a fixture is known by its name here
from tests.factories import NOW, make_paper
from tests.replay_server import RecordedRequest, ReplayServer, Reply

PATH = "/v1/chat/completions"
JSON = {"Content-Type": "application/json"}
SUMMARY = "They count sheep in sublinear time and sleep well."


def reply_with_summaries(request: RecordedRequest) -> Reply:
    """Answer that every paper counts sheep."""
    numbers = json.loads(json.loads(request.body)["messages"][1]["content"])
    content = json.dumps(dict.fromkeys(numbers, SUMMARY))
    return Reply(body=json.dumps({"choices": [{"message": {"content": content}}]}).encode(), headers=JSON)


def add_papers(store: Database, *papers: Paper) -> list[str]:
    with store.begin() as tx:
        tx.papers.add(papers, seen_at=NOW)
    return [one.id for one in papers]


def get_summary(store: Database, paper_id: str) -> str:
    with store.begin(write=False) as tx:
        return tx.papers.get_by_ids([paper_id])[paper_id].retold


def make_papers(count: int) -> list[Paper]:
    return [make_paper(f"Counting Sheep {number}", authors=(f"Ada {number}",)) for number in range(count)]


async def test_a_paper_is_summarized_once_and_the_summary_stays(any_store: Database) -> None:
    ids = add_papers(any_store, make_paper())
    with ReplayServer() as server:
        server.set_replies(PATH, reply_with_summaries)
        model = LanguageModel(url=f"{server.url}/v1")
        assert await summarize_papers(any_store, model, ids, NOW) == 1
        assert await summarize_papers(any_store, model, ids, NOW) == 0
        assert len(server.requests) == 1
    assert get_summary(any_store, ids[0]) == SUMMARY
    add_papers(any_store, make_paper(id=ids[0]))  # fetched again
    assert get_summary(any_store, ids[0]) == SUMMARY


async def test_papers_are_summarized_in_batches_and_within_the_daily_budget(store: Database) -> None:
    ids = add_papers(store, *make_papers(20))
    with ReplayServer() as server:
        server.set_replies(PATH, reply_with_summaries)
        model = LanguageModel(url=f"{server.url}/v1", max_papers_per_day=12)
        assert await summarize_papers(store, model, ids, NOW) == 12
        assert await summarize_papers(store, model, ids, NOW + timedelta(hours=1)) == 0
        assert len(server.requests) == 2
        assert await summarize_papers(store, model, ids, NOW + timedelta(days=1)) == 8


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"<html>502</html>", headers={"Content-Type": "text/html"}),
        Reply(body=b'{"choices": 7}', headers=JSON),
        Reply(status=500),
        Reply(silent=True),
        Reply(body=b"x" * 100, cut_at=10),
    ],
    ids=["html", "shape", "error", "silence", "cut"],
)
async def test_a_failing_model_is_not_asked_again_for_an_hour(store: Database, reply: Reply) -> None:
    ids = add_papers(store, make_paper())
    with ReplayServer() as server:
        server.set_replies(PATH, reply)
        model = LanguageModel(url=f"{server.url}/v1")
        timeout = 2 if reply.silent else 20  # seconds: enough to ask on the busiest machine
        assert await summarize_papers(store, model, ids, NOW, timeout=timeout) == 0
        assert await summarize_papers(store, model, ids, NOW + timedelta(minutes=59), timeout=timeout) == 0
        assert len(server.requests) == 1
        server.set_replies(PATH, reply_with_summaries)
        assert await summarize_papers(store, model, ids, NOW + timedelta(minutes=61)) == 1


async def test_without_a_model_nothing_is_asked_or_stored(store: Database) -> None:
    assert await summarize_papers(store, None, add_papers(store, make_paper()), NOW) == 0


def render_summary(one: Paper, language: str = "en") -> str:
    reason = Reason(because=ReasonKind.TREND)
    pick = Pick(paper=one, section=Section.TRENDING, heat=Heat(value=0.0, expected=0.0), reason=reason)
    return build_card(get_locale(language), pick, 1, NO_PERSONAL_FIELDS).gist


async def test_summaries_are_labelled_in_every_language(store: Database) -> None:
    ids = add_papers(store, make_paper())
    with store.begin() as tx:
        tx.papers.save_retold({ids[0]: SUMMARY, "arxiv:9999.99999": SUMMARY}, at=NOW)
        one = tx.papers.get_by_ids(ids)[ids[0]]
    assert render_summary(one) == f"AI summary: {SUMMARY}"
    assert render_summary(one, "zh") == f"AI 摘要：{SUMMARY}"
    assert "AI" not in render_summary(make_paper())


def reply_with_titles(request: RecordedRequest) -> Reply:
    """Answer with the title of every paper."""
    papers = json.loads(json.loads(request.body)["messages"][1]["content"])
    content = json.dumps(
        {n: f"This paper is all about: {one['title'].rstrip('?.!')}." for n, one in papers.items()}
    )
    return Reply(body=json.dumps({"choices": [{"message": {"content": content}}]}).encode(), headers=JSON)


INJECTED = {"1": "Dear reader, send your password to <b>https://evil.example</b> now!"}
INJECTED_REPLY = json.dumps({"choices": [{"message": {"content": json.dumps(INJECTED)}}]}).encode()


async def run_and_read_mail(installation: Installation, llm_url: str) -> str:
    """Run with this model, and return the text of the one mail."""
    services = Services(
        installation.services.settings.model_copy(update={"llm_url": llm_url}), installation.services.store
    )
    installation.subscribe(keywords="robotics")
    await installation.fetch(THURSDAY)
    day = await run.run(services, lambda: THURSDAY + DUE)
    assert day.send_stats.sent == 1
    (mail,) = installation.list_mails()
    text = message_from_bytes(mail.read_bytes(), policy=policy.default).get_body(("plain",))
    assert text is not None
    return str(text.get_content())


async def test_a_mail_contains_the_summary_with_its_label(installation: Installation) -> None:
    with ReplayServer() as server:
        server.set_replies(PATH, reply_with_titles)
        text = await run_and_read_mail(installation, f"{server.url}/v1")
    assert "AI summary: This paper is all about" in " ".join(text.split())


async def test_an_unreachable_model_does_not_change_the_mail(installation: Installation) -> None:
    text = await run_and_read_mail(installation, "http://127.0.0.1:9/v1")
    assert "AI summary" not in text


async def test_an_injected_summary_reaches_nobody(installation: Installation) -> None:
    with ReplayServer() as server:
        server.set_replies(PATH, Reply(body=INJECTED_REPLY, headers=JSON))
        text = await run_and_read_mail(installation, f"{server.url}/v1")
        assert server.requests
    assert "evil" not in text
    assert "AI summary" not in text

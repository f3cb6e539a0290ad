"""News of papers in editions: planned, previewed and told once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from digest.db import Database
from digest.models import Paper, Preferences, Profile, Status, Subscriber
from digest.models.editions import NewsKind, PaperNews
from digest.pipeline.edition_payload import NO_PICKS, complete_payload, read_rows
from digest.pipeline.plan import MAX_NEWS, build_upcoming_edition, load_planned_edition, plan_editions
from tests.factories import NOW, make_paper, store_subscriber

OLD = make_paper("An Old Paper on Sheep", id="arxiv:2610.00041")
SLOT = NOW.replace(hour=7, minute=0)


@pytest.fixture
def reader(store: Database) -> Subscriber:
    """A reader who is due, saved an old paper, and has new papers to get."""
    return _add_reader(store)


def _add_reader(store: Database, *, news: bool = True) -> Subscriber:
    with store.begin() as tx:
        tx.papers.add([OLD], seen_at=NOW - timedelta(days=40))
        ada = store_subscriber(
            tx,
            "ada@example.com",
            status=Status.CONFIRMED,
            profile=Profile(keywords=("sheep",)),
            preferences=Preferences(news=news),
            now=NOW - timedelta(days=50),
            next_due=SLOT,
        )
        tx.saved_papers.add(ada.id, OLD, now=NOW - timedelta(days=30))
    return ada


def _change(store: Database, *papers: Paper, days: int = 0) -> None:
    with store.begin() as tx:
        tx.papers.add(papers, seen_at=NOW + timedelta(days=days, hours=-5))


def _add_new_paper(store: Database, *, days: int = 0) -> None:
    _change(store, make_paper("A New Paper on Sheep", id=f"arxiv:2611.0000{days}"), days=days)


def _plan(store: Database, reader: Subscriber, *, days: int = 0) -> tuple[PaperNews, ...]:
    now = NOW + timedelta(days=days)
    with store.begin() as tx:
        tx.subscribers.set_next_due({reader.id: SLOT + timedelta(days=days)})
    assert plan_editions(store, now).planned == 1
    planned = load_planned_edition(store, reader, now.date())
    assert planned
    return planned.news


def test_news_are_in_the_next_edition_and_its_preview_and_in_no_other(
    store: Database, reader: Subscriber
) -> None:
    _add_new_paper(store)
    _change(store, replace(OLD, code_url="https://code.example.org"))

    preview = build_upcoming_edition(store, reader, NOW).news
    told = _plan(store, reader)
    _add_new_paper(store, days=1)

    assert preview == told
    assert [(news.kind, news.title) for news in told] == [(NewsKind.CODE, OLD.title)]
    assert _plan(store, reader, days=1) == ()


def test_news_alone_make_no_mail_and_wait(store: Database, reader: Subscriber) -> None:
    _add_new_paper(store)
    _plan(store, reader)
    _change(store, replace(OLD, withdrawn=True))
    with store.begin() as tx:
        tx.subscribers.set_next_due({reader.id: SLOT + timedelta(days=1)})
    assert plan_editions(store, NOW + timedelta(days=1)).planned == 0

    _add_new_paper(store, days=2)
    assert [news.kind for news in _plan(store, reader, days=2)] == [NewsKind.WITHDRAWN]


def test_who_wants_no_news_gets_none(store: Database) -> None:
    reader = _add_reader(store, news=False)
    _add_new_paper(store)
    _change(store, replace(OLD, withdrawn=True))

    assert build_upcoming_edition(store, reader, NOW).news == ()
    assert _plan(store, reader) == ()


def test_the_most_important_come_first_and_the_rest_waits(store: Database, reader: Subscriber) -> None:
    papers = [make_paper(f"Old {number}", id=f"arxiv:2610.0{number:04d}") for number in range(MAX_NEWS + 2)]
    with store.begin() as tx:
        tx.papers.add(papers, seen_at=NOW - timedelta(days=40))
        for paper in papers:
            tx.saved_papers.add(reader.id, paper, now=NOW - timedelta(days=30))
    _change(store, *(replace(paper, code_url="https://code.example.org") for paper in papers[:-1]))
    _change(store, replace(papers[-1], withdrawn=True))
    _add_new_paper(store)

    first = _plan(store, reader)
    _add_new_paper(store, days=1)
    second = _plan(store, reader, days=1)

    assert [news.kind for news in first] == [NewsKind.WITHDRAWN, *[NewsKind.CODE] * (MAX_NEWS - 1)]
    assert len(second) == 2
    assert {news.paper_id for news in first + second} == {paper.id for paper in papers}


def test_payload_without_news_is_as_it_was(store: Database, reader: Subscriber) -> None:
    _add_new_paper(store)

    plan_editions(store, NOW)

    with store.begin(write=False) as tx:
        [delivery] = tx.deliveries.list_by_subscriber(reader.id)
    assert delivery.payload["papers"]
    assert "news" not in delivery.payload


def test_payload_keeps_news(store: Database, reader: Subscriber) -> None:
    news = PaperNews(kind=NewsKind.REVISED, paper_id=OLD.id, title="Old", url=OLD.url, new_title="New", id=7)

    payload = complete_payload(NO_PICKS, (), [news])
    read = read_rows(payload, day=NOW.date(), slot=NOW, subscriber=reader, papers={}, heats={}).to_edition()

    assert read.news == (news,)

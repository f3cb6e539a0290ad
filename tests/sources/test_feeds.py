"""What do journals and blogs publish? Claims about feeds of every make."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from digest.models import FetchState, Health
from digest.models.errors import SourceChanged
from digest.sources.base import FetchContext, read
from digest.sources.feeds import Feeds, parse, scope_of
from digest.sources.http.client import Client
from tests.factories import NOW
from tests.replay_server import ReplayServer, Reply

Replay = Callable[[str], bytes]


def test_an_article_is_named_by_its_doi_and_its_markup_is_gone(replay: Replay) -> None:
    article = parse(replay("feeds/journal.rdf"), "journal", NOW).papers[0]
    assert article.id == "doi:10.5555/wool.1"
    assert article.title == "On H₂O and études in wool science"
    assert article.abstract == "Wool with p < 0.05 & more."
    assert article.authors == ("Ada Loveless", "Bo Chen")
    assert article.published == datetime(2026, 11, 20, tzinfo=UTC)


def test_an_article_without_ids_goes_by_its_title_and_one_without_a_telling_title_is_said(
    replay: Replay,
) -> None:
    reading = parse(replay("feeds/journal.rdf"), "journal", NOW)
    assert reading.papers[1].id == "title:anarticleknowntothisjournalbynothingbutitstitle|white|2026"
    assert reading.note == "1 items could not be named."


def test_a_post_that_links_to_arxiv_is_that_paper(replay: Replay) -> None:
    (post,) = parse(replay("feeds/blog.rss"), "blog", NOW).papers
    assert (post.id, post.authors) == ("arxiv:2611.12001", ("Ada Loveless",))
    assert post.url == "https://arxiv.org/abs/2611.12001"


def test_arxiv_s_own_feed_can_be_read_as_any_other(replay: Replay) -> None:
    assert len(parse(replay("arxiv_rss/rss.xml"), "arxiv", NOW).papers) == 4
    assert len(parse(replay("arxiv_rss/atom.xml"), "arxiv", NOW).papers) == 1


def test_a_feed_that_breaks_off_keeps_what_is_complete(replay: Replay) -> None:
    body = replay("feeds/journal.rdf")
    reading = parse(body[: body.index(b"Editorial")], "journal", NOW)
    assert (len(reading.papers), reading.health) == (2, Health.TRUNCATED)


@pytest.mark.parametrize("body", [b"<html><p>&nbsp;</p></html>", b"<x/>", b"", b"x"])
def test_what_is_no_feed_is_a_change(body: bytes) -> None:
    with pytest.raises(SourceChanged):
        parse(body, "journal", NOW)


def test_what_is_secret_in_an_address_is_not_shown() -> None:
    assert scope_of("https://me:pw@journal.example/feed/?token=secret") == "journal.example/feed"


async def test_a_dead_feed_harms_no_other_and_an_unchanged_one_is_not_sent(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.answer("/journal", Reply(body=replay("feeds/journal.rdf"), headers={"ETag": '"7"'}))
    server.answer("/blog", lambda asked: Reply(status=304 if "If-None-Match" in asked.headers else 500))
    urls = tuple(f"{server.url}/{name}" for name in ("dead", "journal", "blog"))
    memory = {scope_of(urls[2]): FetchState(etag='"6"')}
    readings = await read(Feeds(urls), FetchContext(client=client, now=NOW, memory=memory))
    assert [(r.health, len(r.papers)) for r in readings] == [
        (Health.FAILED, 0), (Health.OK, 2), (Health.OK, 0),
    ]  # fmt: skip
    assert readings[1].etag == '"7"'
    assert readings[2].note == "Unchanged."

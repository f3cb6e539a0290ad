"""Tests of RSS and Atom feeds of journals and blogs."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from digest.models import FetchState, Health
from digest.models.errors import SourceChanged
from digest.sources.base import FetchContext, fetch_source
from digest.sources.feeds import Feeds, parse, scope_of
from digest.sources.http.client import Client
from tests.factories import NOW
from tests.replay_server import ReplayServer, Reply

Replay = Callable[[str], bytes]


def test_parse_takes_the_doi_as_id_and_strips_markup(replay: Replay) -> None:
    article = parse(replay("feeds/journal.rdf"), "journal", NOW).papers[0]
    assert article.id == "doi:10.5555/wool.1"
    assert article.title == "On H₂O and études in wool science"
    assert article.abstract == "Wool with p < 0.05 & more."
    assert article.authors == ("Ada Loveless", "Bo Chen")
    assert article.published == datetime(2026, 11, 20, tzinfo=UTC)


def test_item_without_ids_goes_by_its_title_and_without_a_distinctive_title_is_skipped(
    replay: Replay,
) -> None:
    result = parse(replay("feeds/journal.rdf"), "journal", NOW)
    assert result.papers[1].id == "title:anarticleknowntothisjournalbynothingbutitstitle|white|2026"
    assert result.note == "1 items have neither an id nor a distinctive title."


def test_post_that_links_to_arxiv_is_that_paper(replay: Replay) -> None:
    (post,) = parse(replay("feeds/blog.rss"), "blog", NOW).papers
    assert (post.id, post.authors) == ("arxiv:2611.12001", ("Ada Loveless",))
    assert post.url == "https://arxiv.org/abs/2611.12001"


def test_arxiv_s_own_feed_can_be_parsed(replay: Replay) -> None:
    assert len(parse(replay("arxiv_rss/rss.xml"), "arxiv", NOW).papers) == 4
    assert len(parse(replay("arxiv_rss/atom.xml"), "arxiv", NOW).papers) == 1


def test_truncated_feed_keeps_its_complete_items(replay: Replay) -> None:
    body = replay("feeds/journal.rdf")
    result = parse(body[: body.index(b"Editorial")], "journal", NOW)
    assert (len(result.papers), result.health) == (2, Health.TRUNCATED)


@pytest.mark.parametrize("body", [b"<html><p>&nbsp;</p></html>", b"<x/>", b"", b"x"])
def test_other_document_is_source_changed(body: bytes) -> None:
    with pytest.raises(SourceChanged):
        parse(body, "journal", NOW)


def test_scope_of_leaves_out_secrets_of_the_url() -> None:
    scope = scope_of("https://me:pw@journal.example/feed/?token=secret")
    assert scope.startswith("journal.example/feed #")
    assert not {"me", "pw", "token", "secret"} & set(re.findall("[a-z]+", scope))
    assert scope_of("https://journal.example/feed/") == "journal.example/feed"


async def test_failing_feed_does_not_affect_others_and_an_unchanged_one_is_not_sent(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/journal", Reply(body=replay("feeds/journal.rdf"), headers={"ETag": '"7"'}))
    server.set_replies(
        "/blog", lambda request: Reply(status=304 if "If-None-Match" in request.headers else 500)
    )
    urls = tuple(f"{server.url}/{name}" for name in ("dead", "journal", "blog"))
    states = {scope_of(urls[2]): FetchState(etag='"6"')}
    results = await fetch_source(Feeds(urls), FetchContext(client=client, now=NOW, states=states))
    assert [(r.health, len(r.papers)) for r in results] == [
        (Health.FAILED, 0), (Health.OK, 2), (Health.OK, 0),
    ]  # fmt: skip
    assert results[1].etag == '"7"'
    assert results[2].note == "Unchanged."

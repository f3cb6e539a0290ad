"""Tests of the arXiv source, its repairs, and the configuration of sources, over real HTTP on loopback."""

import inspect
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

import pytest

from digest.models import FetchResult, FetchState, Health, Paper
from digest.models.errors import ConfigError
from digest.sources.arxiv.source import Arxiv
from digest.sources.base import FetchContext, fetch_source
from digest.sources.config import SourceConfig
from digest.sources.http.client import Client
from digest.sources.registry import SOURCES, build_sources
from tests.factories import NOW
from tests.replay_server import RecordedRequest, ReplayServer, Reply

Replay = Callable[[str], bytes]
FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)
SATURDAY_NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def feed(*numbers: str, category: str = "cs.CL") -> bytes:
    """Return a feed of invented papers in the true shape."""
    items = "".join(
        f"""<item><title>Paper {number}</title><link>https://arxiv.org/abs/{number}</link>
        <description>arXiv:{number}v1 Announce Type: new \nAbstract: About {number}.</description>
        <guid isPermaLink="false">oai:arXiv.org:{number}v1</guid><category>{category}</category>
        <pubDate>Mon, 23 Nov 2026 00:00:00 -0500</pubDate>
        <arxiv:announce_type>new</arxiv:announce_type><dc:creator>Ada Loveless</dc:creator></item>"""
        for number in numbers
    )
    names = 'xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    return f'<rss {names} version="2.0"><channel><title>updates</title>{items}</channel></rss>'.encode()


def reply_without_zz(request: RecordedRequest) -> Reply:
    """Reply as arXiv does: with an error feed if cs.ZZ is requested."""
    if "cs.ZZ" not in request.path:
        return Reply(body=feed("2611.00001"))
    text = "Bad subject class 'ZZ'. Valid subject classes for the archive 'cs' are: cs.CL."
    head = "<title>Feed error for query: http://rss.arxiv.org/rss/cs.ZZ</title>"
    return Reply(
        status=400, body=f"<rss><channel>{head}<description>{text}</description></channel></rss>".encode()
    )


async def fetch_arxiv(
    client: Client, server: ReplayServer, *categories: str, now: datetime = NOW,
    states: dict[str, FetchState] | None = None, stored: Sequence[str] = (), parts: str = "oai, listing",
) -> list[FetchResult]:  # fmt: skip
    config = SourceConfig(
        arxiv_categories=categories or ("cs.CL",),
        arxiv_rss_url=server.url,
        arxiv_oai_url=f"{server.url}/oai" if "oai" in parts else "",
        arxiv_listing_url=server.url if "listing" in parts else "",
    )
    existing = {f"arxiv:{number}" for number in stored}
    return await fetch_source(
        Arxiv(config),
        FetchContext(
            client=client, now=now, states=states or {}, find_existing=lambda ids: existing & set(ids)
        ),
    )


def numbers(papers: Sequence[Paper]) -> list[str]:
    return sorted(paper.id.removeprefix("arxiv:") for paper in papers)


async def test_all_categories_are_one_request_and_every_paper_is_in_one_result(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/rss/cs.CL+cs.RO", Reply(body=replay("arxiv_rss/rss.xml"), headers={"ETag": '"1"'}))
    language, robots = await fetch_arxiv(client, server, "cs.CL", "cs.RO")
    assert numbers(language.papers) == ["2611.12001"]
    assert numbers(robots.papers) == ["1903.00042", "2609.00077", "2611.12002"]
    assert (language.health, language.day, language.unseen) == (Health.OK, MONDAY, 1)
    assert language.etag == '"1"'
    assert len(server.requests) == 1


async def test_stale_feed_is_repaired_from_oai_in_the_same_fetch(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/rss/cs.CL", Reply(body=feed("2611.11111")))
    server.set_replies(
        "/oai", Reply(body=replay("arxiv_oai/first.xml")), Reply(body=replay("arxiv_oai/last.xml"))
    )
    states = {"cs.CL": FetchState(day=FRIDAY, ids=frozenset({"arxiv:2611.11111"}))}
    (repaired,) = await fetch_arxiv(client, server, stored=["2611.11111"], states=states)
    assert (repaired.health, repaired.day) == (Health.OK, MONDAY)
    assert repaired.note == "All 1 papers were seen before: an old batch. OAI-PMH added 3 papers."
    assert numbers(repaired.papers) == ["2611.11111", "2611.12001", "2611.12006", "cs/0701001"]
    assert server.requests_to("/oai")[0].query["from"] == "2026-11-19"


async def test_stale_feed_without_repair_leaves_the_day_open_and_gets_a_second_opinion(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/rss/cs.CL+cs.RO", Reply(body=feed("2611.11111") + b"\n"))
    server.set_replies("/oai", Reply(body=replay("arxiv_oai/none.xml")))
    old_page = replay("arxiv_listing/new.html").replace(b"Monday, 23 November", b"Friday, 20 November")
    server.set_replies("/list/cs.CL/new", Reply(body=old_page))
    states = {"cs.CL": FetchState(day=FRIDAY), "cs.RO": FetchState(day=FRIDAY)}
    stale, other = await fetch_arxiv(client, server, "cs.CL", "cs.RO", stored=["2611.11111"], states=states)
    assert (stale.health, stale.day) == (Health.STALE, None)
    assert "OAI-PMH has nothing new either." in stale.note
    assert "arXiv's own page has no new listing yet either (it shows 20 November)." in stale.note
    assert other.health is Health.OK  # its neighbour had papers, so the feed was not empty as a whole
    assert len(server.requests_to("/list/cs.CL/new")) == 1


async def test_failed_feed_is_replaced_by_the_harvest(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/rss/cs.CL", Reply(status=404))
    server.set_replies("/oai", Reply(body=replay("arxiv_oai/last.xml").replace(b"2007-01-02", b"2026-11-20")))
    (repaired,) = await fetch_arxiv(client, server)
    assert (repaired.health, len(repaired.papers)) == (Health.OK, 1)
    assert repaired.note == "Answered 404 Not Found. OAI-PMH added 1 papers."


async def test_truncated_feed_keeps_its_papers_and_gets_the_rest(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    body = replay("arxiv_rss/rss.xml")
    server.set_replies("/rss/cs.CL", Reply(body=body, cut_at=body.index(b"An Old Robot")))
    server.set_replies(
        "/oai", Reply(body=replay("arxiv_oai/first.xml")), Reply(body=replay("arxiv_oai/last.xml"))
    )
    (repaired,) = await fetch_arxiv(client, server)
    assert repaired.health is Health.OK
    assert numbers(repaired.papers) == ["2611.12001", "2611.12002", "2611.12006", "cs/0701001"]
    assert repaired.note.startswith("The feed broke off after 2 papers.")


async def test_truncated_feed_without_repair_leaves_the_day_open(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    body = replay("arxiv_rss/rss.xml")
    server.set_replies("/rss/cs.CL", Reply(body=body[: body.index(b"An Old Robot")]))
    (cut,) = await fetch_arxiv(client, server, parts="")
    assert (cut.health, cut.day, len(cut.papers)) == (Health.TRUNCATED, None, 2)


async def test_unknown_category_fails_alone(client: Client, server: ReplayServer) -> None:
    for path in ("/rss/cs.CL+cs.ZZ", "/rss/cs.CL", "/rss/cs.ZZ"):
        server.set_replies(path, reply_without_zz)
    good, bad = await fetch_arxiv(client, server, "cs.CL", "cs.ZZ")
    assert (good.health, numbers(good.papers)) == (Health.OK, ["2611.00001"])
    assert (bad.scope, bad.health) == ("cs.ZZ", Health.FAILED)
    assert bad.note.startswith("arXiv does not know cs.ZZ: Bad subject class 'ZZ'.")
    assert [request.path for request in server.requests] == ["/rss/cs.CL+cs.ZZ", "/rss/cs.CL"]


async def test_only_category_is_unknown(client: Client, server: ReplayServer) -> None:
    server.set_replies("/rss/cs.ZZ", reply_without_zz)
    (bad,) = await fetch_arxiv(client, server, "cs.ZZ")
    assert bad.note.startswith("arXiv does not know cs.ZZ")
    assert len(server.requests) == 1


async def test_feed_at_the_limit_is_fetched_again_in_halves(client: Client, server: ReplayServer) -> None:
    many = [f"2611.{number:05d}" for number in range(2000)]
    server.set_replies("/rss/cs.CL+cs.RO+cs.LG", Reply(body=feed(*many)))
    server.set_replies("/rss/cs.CL", Reply(body=feed("2611.20001")))
    server.set_replies("/rss/cs.RO+cs.LG", Reply(body=feed("2611.20002", category="cs.RO")))
    results = await fetch_arxiv(client, server, "cs.CL", "cs.RO", "cs.LG")
    assert [numbers(result.papers) for result in results] == [["2611.20001"], ["2611.20002"], []]
    assert all(result.health is Health.OK for result in results)


async def test_one_category_at_the_limit_is_repaired(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/rss/cs.CL", Reply(body=feed(*(f"2611.{number:05d}" for number in range(2000)))))
    server.set_replies(
        "/oai", Reply(body=replay("arxiv_oai/first.xml")), Reply(body=replay("arxiv_oai/last.xml"))
    )
    (full,) = await fetch_arxiv(client, server)
    assert len(full.papers) == 2003
    assert full.note == "The feed reached arXiv's limit of 2000 papers. OAI-PMH added 3 papers."


async def test_missed_days_are_harvested_even_if_today_s_feed_is_ok(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/rss/cs.CL", Reply(body=feed("2611.20001")))
    server.set_replies(
        "/oai", Reply(body=replay("arxiv_oai/first.xml")), Reply(body=replay("arxiv_oai/last.xml"))
    )
    (result,) = await fetch_arxiv(client, server, states={"cs.CL": FetchState(day=date(2026, 11, 17))})
    assert numbers(result.papers) == ["2611.12001", "2611.12006", "2611.20001", "cs/0701001"]
    assert server.requests_to("/oai")[0].query["from"] == "2026-11-16"


async def test_missed_day_that_cannot_be_harvested_stays_open(client: Client, server: ReplayServer) -> None:
    server.set_replies("/rss/cs.CL", Reply(body=feed("2611.20001")))
    server.set_replies("/oai", Reply(status=400))
    (result,) = await fetch_arxiv(client, server, states={"cs.CL": FetchState(day=date(2026, 11, 17))})
    assert (result.health, result.day, len(result.papers)) == (Health.TRUNCATED, None, 1)
    assert result.note == "OAI-PMH: Answered 400 Bad Request."


async def test_weekend_after_a_done_day_is_ok(client: Client, server: ReplayServer, replay: Replay) -> None:
    server.set_replies("/rss/cs.CL", Reply(body=replay("arxiv_rss/weekend.xml")))
    (quiet,) = await fetch_arxiv(client, server, now=SATURDAY_NOON, states={"cs.CL": FetchState(day=FRIDAY)})
    assert (quiet.health, quiet.note) == (Health.OK, "Nothing new since the last reading.")
    assert len(server.requests) == 1


async def test_first_fetch_on_a_weekend_is_harvested(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/rss/cs.CL", Reply(body=replay("arxiv_rss/weekend.xml")))
    server.set_replies(
        "/oai", Reply(body=replay("arxiv_oai/first.xml")), Reply(body=replay("arxiv_oai/last.xml"))
    )
    (first,) = await fetch_arxiv(client, server, now=SATURDAY_NOON)
    assert (first.health, len(first.papers), first.day) == (Health.OK, 3, FRIDAY)
    assert first.note == "arXiv announced nothing today: weekend. OAI-PMH added 3 papers."


async def test_feed_of_a_done_day_is_requested_conditionally(client: Client, server: ReplayServer) -> None:
    server.set_replies(
        "/rss/cs.CL", lambda request: Reply(status=304 if "If-None-Match" in request.headers else 200)
    )
    (result,) = await fetch_arxiv(client, server, states={"cs.CL": FetchState(day=MONDAY, etag='"1"')})
    assert (result.health, result.papers) == (Health.OK, ())
    assert result.note == "Unchanged. Nothing new since the last reading."


async def test_maintenance_page_is_source_changed_with_its_title(
    client: Client, server: ReplayServer
) -> None:
    server.set_replies("/rss/cs.CL", Reply(body=b"<html><head><title>arXiv is down</title></head></html>"))
    (result,) = await fetch_arxiv(client, server, parts="")
    assert result.health is Health.CHANGED
    assert result.note == "Answered with a web page (“arXiv is down”) where XML was expected."


def test_build_sources_builds_every_source_and_rejects_an_unknown_one() -> None:
    assert [source.name for source in build_sources(SourceConfig(sources=tuple(SOURCES)))] == list(SOURCES)
    assert [source.name for source in build_sources(SourceConfig(feeds=("https://x.example/feed",)))][
        -1
    ] == "feeds"
    only = build_sources(SourceConfig(feeds=("https://x.example/feed",)), only=("arxiv",))
    assert [source.name for source in only] == ["arxiv"]
    with pytest.raises(ConfigError, match="There is no source 'sheep'; choose among arxiv"):
        build_sources(SourceConfig(sources=("sheep",)))


def test_endpoints_are_the_urls_that_the_sources_read() -> None:
    config = SourceConfig(sources=tuple(SOURCES), feeds=("https://x.example/feed",))
    for source in build_sources(config):
        names = re.findall(r"\bself\.config\.(\w+_url)\b", inspect.getsource(type(source)))
        urls = config.feeds if source.name == "feeds" else [getattr(config, name) for name in names]
        assert {url for name, url in config.endpoints if name == source.name} == {*urls}
    assert {name for name, _ in config.endpoints} == {*SOURCES}


def test_configured_urls_are_trusted_and_no_key_is_in_the_repr() -> None:
    config = SourceConfig(
        arxiv_rss_url="http://127.0.0.1:1", feeds=("http://10.0.0.1/f",), semanticscholar_key="secret"
    )
    assert {"http://127.0.0.1:1", "http://10.0.0.1/f", "https://huggingface.co"} <= set(config.trusted_urls)
    assert "secret" not in repr(config)

"""Has arXiv told us everything? Claims about its feeds when they fail, over real HTTP."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

import pytest

from digest.models import FetchResult, FetchState, Health, Paper
from digest.models.errors import ConfigError
from digest.sources import SOURCES, Plan, build
from digest.sources.arxiv.source import Arxiv
from digest.sources.base import FetchContext, read
from digest.sources.http.client import Client
from tests.factories import NOW
from tests.replay_server import Asked, ReplayServer, Reply

Replay = Callable[[str], bytes]
FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)
SATURDAY_NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def feed(*numbers: str, category: str = "cs.CL") -> bytes:
    """A feed of invented papers in the true shape."""
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


def refused(asked: Asked) -> Reply:
    """ArXiv's answer to a group with cs.ZZ in it."""
    if "cs.ZZ" not in asked.path:
        return Reply(body=feed("2611.00001"))
    text = "Bad subject class 'ZZ'. Valid subject classes for the archive 'cs' are: cs.CL."
    head = "<title>Feed error for query: http://rss.arxiv.org/rss/cs.ZZ</title>"
    return Reply(
        status=400, body=f"<rss><channel>{head}<description>{text}</description></channel></rss>".encode()
    )


async def visit(
    client: Client, server: ReplayServer, *categories: str, now: datetime = NOW,
    memory: dict[str, FetchState] | None = None, known: Sequence[str] = (), parts: str = "oai, listing",
) -> list[FetchResult]:  # fmt: skip
    source = Arxiv(
        categories=categories or ("cs.CL",),
        rss=server.url,
        oai=f"{server.url}/oai" if "oai" in parts else "",
        listing=server.url if "listing" in parts else "",
    )
    held = {f"arxiv:{number}" for number in known}
    return await read(
        source, FetchContext(client=client, now=now, memory=memory or {}, known=lambda ids: held & set(ids))
    )


def numbers(papers: Sequence[Paper]) -> list[str]:
    return sorted(paper.id.removeprefix("arxiv:") for paper in papers)


async def test_all_categories_are_one_request_and_every_paper_stands_once(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.answer("/rss/cs.CL+cs.RO", Reply(body=replay("arxiv_rss/rss.xml"), headers={"ETag": '"1"'}))
    language, robots = await visit(client, server, "cs.CL", "cs.RO")
    assert numbers(language.papers) == ["2611.12001"]
    assert numbers(robots.papers) == ["1903.00042", "2609.00077", "2611.12002"]
    assert (language.health, language.day, language.unseen) == (Health.OK, MONDAY, 1)
    assert (language.etag, language.newest) == ('"1"', "arxiv:2611.12001")
    assert language.body
    assert not robots.body
    assert len(server.requests) == 1


async def test_a_stale_feed_is_made_good_from_oai_in_the_same_visit(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.answer("/rss/cs.CL", Reply(body=feed("2611.11111")))
    server.answer("/oai", Reply(body=replay("arxiv_oai/first.xml")), Reply(body=replay("arxiv_oai/last.xml")))
    memory = {"cs.CL": FetchState(day=FRIDAY, ids=frozenset({"arxiv:2611.11111"}))}
    (healed,) = await visit(client, server, known=["2611.11111"], memory=memory)
    assert (healed.health, healed.day) == (Health.OK, MONDAY)
    assert healed.note == "All 1 papers were seen before: an old batch. OAI-PMH added 3 papers."
    assert numbers(healed.papers) == ["2611.11111", "2611.12001", "2611.12006", "cs/0701001"]
    assert server.asked("/oai")[0].query["from"] == "2026-11-19"


async def test_a_stale_feed_that_nothing_can_heal_leaves_the_day_open_and_is_looked_into(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.answer("/rss/cs.CL+cs.RO", Reply(body=feed("2611.11111") + b"\n"))
    server.answer("/oai", Reply(body=replay("arxiv_oai/none.xml")))
    old_page = replay("arxiv_listing/new.html").replace(b"Monday, 23 November", b"Friday, 20 November")
    server.answer("/list/cs.CL/new", Reply(body=old_page))
    memory = {"cs.CL": FetchState(day=FRIDAY), "cs.RO": FetchState(day=FRIDAY)}
    stale, other = await visit(client, server, "cs.CL", "cs.RO", known=["2611.11111"], memory=memory)
    assert (stale.health, stale.day) == (Health.STALE, None)
    assert "OAI-PMH has nothing new either." in stale.note
    assert "arXiv's own page has no new listing yet either (it shows 20 November)." in stale.note
    assert other.health is Health.OK  # its neighbour had papers, so the feed was not empty as a whole
    assert len(server.asked("/list/cs.CL/new")) == 1


async def test_a_dead_feed_is_replaced_by_the_harvest(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.answer("/rss/cs.CL", Reply(status=404))
    server.answer("/oai", Reply(body=replay("arxiv_oai/last.xml").replace(b"2007-01-02", b"2026-11-20")))
    (healed,) = await visit(client, server)
    assert (healed.health, len(healed.papers)) == (Health.OK, 1)
    assert healed.note == "Answered 404 Not Found. OAI-PMH added 1 papers."


async def test_a_feed_that_breaks_off_keeps_its_papers_and_gets_the_rest(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    body = replay("arxiv_rss/rss.xml")
    server.answer("/rss/cs.CL", Reply(body=body, cut=body.index(b"An Old Robot")))
    server.answer("/oai", Reply(body=replay("arxiv_oai/first.xml")), Reply(body=replay("arxiv_oai/last.xml")))
    (healed,) = await visit(client, server)
    assert healed.health is Health.OK
    assert numbers(healed.papers) == ["2611.12001", "2611.12002", "2611.12006", "cs/0701001"]
    assert healed.note.startswith("The feed broke off after 2 papers.")


async def test_without_a_repair_a_broken_feed_is_truncated_and_the_day_open(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    body = replay("arxiv_rss/rss.xml")
    server.answer("/rss/cs.CL", Reply(body=body[: body.index(b"An Old Robot")]))
    (cut,) = await visit(client, server, parts="")
    assert (cut.health, cut.day, len(cut.papers)) == (Health.TRUNCATED, None, 2)


async def test_a_bad_category_is_named_and_harms_no_other(client: Client, server: ReplayServer) -> None:
    for path in ("/rss/cs.CL+cs.ZZ", "/rss/cs.CL", "/rss/cs.ZZ"):
        server.answer(path, refused)
    good, bad = await visit(client, server, "cs.CL", "cs.ZZ")
    assert (good.health, numbers(good.papers)) == (Health.OK, ["2611.00001"])
    assert (bad.scope, bad.health) == ("cs.ZZ", Health.FAILED)
    assert bad.note.startswith("arXiv does not know cs.ZZ: Bad subject class 'ZZ'.")
    assert [asked.path for asked in server.requests] == ["/rss/cs.CL+cs.ZZ", "/rss/cs.CL"]


async def test_one_bad_category_alone_is_a_sentence(client: Client, server: ReplayServer) -> None:
    server.answer("/rss/cs.ZZ", refused)
    (bad,) = await visit(client, server, "cs.ZZ")
    assert bad.note.startswith("arXiv does not know cs.ZZ")
    assert len(server.requests) == 1


async def test_a_feed_at_the_cap_is_asked_for_again_in_parts(client: Client, server: ReplayServer) -> None:
    many = [f"2611.{number:05d}" for number in range(2000)]
    server.answer("/rss/cs.CL+cs.RO+cs.LG", Reply(body=feed(*many)))
    server.answer("/rss/cs.CL", Reply(body=feed("2611.20001")))
    server.answer("/rss/cs.RO+cs.LG", Reply(body=feed("2611.20002", category="cs.RO")))
    readings = await visit(client, server, "cs.CL", "cs.RO", "cs.LG")
    assert [numbers(reading.papers) for reading in readings] == [["2611.20001"], ["2611.20002"], []]
    assert all(reading.health is Health.OK for reading in readings)


async def test_one_category_at_the_cap_is_truncated_and_filled_up(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.answer("/rss/cs.CL", Reply(body=feed(*(f"2611.{number:05d}" for number in range(2000)))))
    server.answer("/oai", Reply(body=replay("arxiv_oai/first.xml")), Reply(body=replay("arxiv_oai/last.xml")))
    (full,) = await visit(client, server)
    assert len(full.papers) == 2003
    assert full.note == "The feed reached arXiv's limit of 2000 papers. OAI-PMH added 3 papers."


async def test_days_we_missed_are_fetched_from_oai_even_when_today_s_feed_is_well(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.answer("/rss/cs.CL", Reply(body=feed("2611.20001")))
    server.answer("/oai", Reply(body=replay("arxiv_oai/first.xml")), Reply(body=replay("arxiv_oai/last.xml")))
    (reading,) = await visit(client, server, memory={"cs.CL": FetchState(day=date(2026, 11, 17))})
    assert numbers(reading.papers) == ["2611.12001", "2611.12006", "2611.20001", "cs/0701001"]
    assert server.asked("/oai")[0].query["from"] == "2026-11-16"


async def test_a_missed_day_that_cannot_be_fetched_stays_open(client: Client, server: ReplayServer) -> None:
    server.answer("/rss/cs.CL", Reply(body=feed("2611.20001")))
    server.answer("/oai", Reply(status=400))
    (reading,) = await visit(client, server, memory={"cs.CL": FetchState(day=date(2026, 11, 17))})
    assert (reading.health, reading.day, len(reading.papers)) == (Health.TRUNCATED, None, 1)
    assert reading.note == "OAI-PMH: Answered 400 Bad Request."


async def test_a_weekend_is_empty_and_says_why(client: Client, server: ReplayServer, replay: Replay) -> None:
    server.answer("/rss/cs.CL", Reply(body=replay("arxiv_rss/weekend.xml")))
    (quiet,) = await visit(client, server, now=SATURDAY_NOON, memory={"cs.CL": FetchState(day=FRIDAY)})
    assert (quiet.health, quiet.note) == (Health.OK, "Nothing new since the last reading.")
    assert len(server.requests) == 1


async def test_a_first_visit_on_a_weekend_still_brings_papers(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.answer("/rss/cs.CL", Reply(body=replay("arxiv_rss/weekend.xml")))
    server.answer("/oai", Reply(body=replay("arxiv_oai/first.xml")), Reply(body=replay("arxiv_oai/last.xml")))
    (first,) = await visit(client, server, now=SATURDAY_NOON)
    assert (first.health, len(first.papers), first.day) == (Health.OK, 3, FRIDAY)
    assert first.note == "arXiv announced nothing today: weekend. OAI-PMH added 3 papers."


async def test_a_feed_read_today_is_only_asked_whether_it_changed(
    client: Client, server: ReplayServer
) -> None:
    server.answer("/rss/cs.CL", lambda asked: Reply(status=304 if "If-None-Match" in asked.headers else 200))
    (reading,) = await visit(client, server, memory={"cs.CL": FetchState(day=MONDAY, etag='"1"')})
    assert (reading.health, reading.papers) == (Health.OK, ())
    assert reading.note == "Unchanged. Nothing new since the last reading."


async def test_a_maintenance_page_is_a_change_told_by_its_title(client: Client, server: ReplayServer) -> None:
    server.answer("/rss/cs.CL", Reply(body=b"<html><head><title>arXiv is down</title></head></html>"))
    (reading,) = await visit(client, server, parts="")
    assert reading.health is Health.CHANGED
    assert reading.note == "Answered with a web page (“arXiv is down”) where XML was expected."


def test_every_source_in_the_plan_is_built_and_an_unknown_one_is_named() -> None:
    assert [source.name for source in build(Plan(sources=tuple(SOURCES)))] == list(SOURCES)
    assert [source.name for source in build(Plan(feeds=("https://x.example/feed",)))][-1] == "feeds"
    only = build(Plan(feeds=("https://x.example/feed",)), only=("arxiv",))
    assert [source.name for source in only] == ["arxiv"]
    with pytest.raises(ConfigError, match="There is no source 'sheep'; choose among arxiv"):
        build(Plan(sources=("sheep",)))


def test_the_plan_names_every_url_that_its_sources_were_given() -> None:
    plan = Plan(sources=tuple(SOURCES), feeds=("https://x.example/feed",))
    given = repr([source for source in build(plan) if source.name != "feeds"])
    urls = {url for url in plan.trusted if f"'{url}'" in given}
    assert {url for _, url in plan.asked} == {*urls, *plan.feeds}
    assert {name for name, _ in plan.asked} == {*SOURCES}


def test_what_the_operator_set_is_trusted_and_no_key_shows() -> None:
    plan = Plan(
        arxiv_rss_url="http://127.0.0.1:1", feeds=("http://10.0.0.1/f",), semanticscholar_key="secret"
    )
    assert {"http://127.0.0.1:1", "http://10.0.0.1/f", "https://huggingface.co"} <= set(plan.trusted)
    assert "secret" not in repr(plan)

"""Test that no source loses a paper or announces one twice while a month goes wrong in every way.

Thirty days of each service over real HTTP into a real database, read twice a day. The services answer by the
parameters they are asked with; papers are invented.
"""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import pytest

from digest.db import Database
from digest.models import Health
from digest.pipeline.ingest import StoredResult, fetch_sources
from digest.sources.base import Source
from digest.sources.biorxiv import Biorxiv
from digest.sources.config import SourceConfig
from digest.sources.crossref import Crossref
from digest.sources.feeds import Feeds
from digest.sources.hackernews import HackerNews
from digest.sources.http.client import Client
from digest.sources.http.policy import ClientPolicy
from digest.sources.huggingface import HuggingFace
from digest.sources.openalex import OpenAlex
from digest.sources.openreview import OpenReview
from digest.sources.pubmed import PubMed
from tests.replay_server import RecordedRequest, ReplayServer, Reply

FIRST = date(2026, 3, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(30)]
PAPERS_A_DAY = 6
READ_AT = (time(6, 0), time(18, 0))
MANY_REQUESTS = {"huggingface", "hackernews"}  # in each reading; read once a day to save time
FAULTS = {
    3: "dropped", 5: "cut", 7: "repeated", 9: "late", 11: "empty", 13: "a web page", 15: "absent",
    16: "absent", 18: "dropped", 20: "wrong", 22: "cut", 24: "absent", 26: "repeated", 28: "wrong",
}  # fmt: skip
LATE_DAYS = 3  # a late day's papers are listed so long after the date they bear
UNREAD = {"dropped", "cut", "a web page", "wrong"}


@dataclass(frozen=True, slots=True)
class Work:
    """A paper, and the day that its service dates it to."""

    number: int
    day: date

    @property
    def title(self) -> str:
        return f"Counting the Flock of Shepherd {self.number:04d}"

    @property
    def at(self) -> datetime:
        return datetime.combine(self.day, time(1), UTC)


WORKS = [Work(n * PAPERS_A_DAY + k + 1, day) for n, day in enumerate(DAYS) for k in range(PAPERS_A_DAY)]


@dataclass
class Service:
    """A service on one of the days, with the fault of that day."""

    answer: Callable[["Service", RecordedRequest], bytes]
    day: date = FIRST
    fault: str = ""

    def list_works(self, first: date, last: date = date.max) -> list[Work]:
        """Return the works that are listed by now and dated within these days, newest first."""
        if self.fault == "empty":
            return []
        today = self.day - timedelta(days=self.fault == "repeated")
        listed = (work for work in WORKS if find_listing_day(work) <= today)
        return [work for work in listed if first <= work.day <= last][::-1]

    def reply(self, request: RecordedRequest) -> Reply:
        if self.fault == "dropped":
            return Reply(status=404)
        if self.fault == "a web page":
            return Reply(body=b"<!DOCTYPE html><html><head><title>Maintenance</title></head></html>")
        if self.fault == "wrong":
            return Reply(body=b'{"unexpected": [1]}')
        body = self.answer(self, request)
        return Reply(body=body, cut_at=len(body) // 2 if self.fault == "cut" else None)


def find_listing_day(work: Work) -> date:
    """Return the day from which a work can be found."""
    is_late = FAULTS.get((work.day - FIRST).days) == "late"
    return work.day + timedelta(days=LATE_DAYS if is_late else 0)


def dump(value: object) -> bytes:
    return json.dumps(value).encode()


def parse_day(text: str) -> date:
    return date.fromisoformat(text.replace("/", "-"))


def answer_biorxiv(service: Service, request: RecordedRequest) -> bytes:
    first, last, cursor = request.path.split("/")[3:6]
    works = service.list_works(parse_day(first), parse_day(last))
    rows = [
        {"doi": f"10.64898/2026.{work.number:04d}", "title": work.title, "authors": "Peep, B.",
         "date": str(work.day), "version": "1", "abstract": "We count."}
        for work in works[int(cursor) : int(cursor) + 30]
    ]  # fmt: skip
    return dump({"messages": [{"count": len(rows), "total": len(works)}], "collection": rows})


def answer_pubmed(service: Service, request: RecordedRequest) -> bytes:
    query = request.query
    if request.path.endswith("esearch.fcgi"):
        works = service.list_works(parse_day(query["mindate"]), parse_day(query["maxdate"]))
        works = works if query["datetype"] == "edat" else []
        ids = [str(41000000 + work.number) for work in works]
        found = ids[int(query.get("retstart", 0)) :][:100]  # fewer than were asked for
        history = f"{query['mindate']} {query['maxdate']}"
        return dump(
            {"esearchresult": {"count": str(len(ids)), "idlist": found, "webenv": history, "querykey": "1"}}
        )
    if "WebEnv" in query:
        first, last = map(parse_day, query["WebEnv"].split())
        start = int(query["retstart"])
        numbers = [work.number for work in service.list_works(first, last)][
            start : start + int(query["retmax"])
        ]
    else:
        numbers = [int(pmid) - 41000000 for pmid in query["id"].split(",")]
    records = "".join(_to_record(WORKS[number - 1]) for number in numbers)
    return f"<?xml version='1.0'?><PubmedArticleSet>{records}</PubmedArticleSet>".encode()


def _to_record(work: Work) -> str:
    return (
        f"<PubmedArticle><MedlineCitation><PMID>{41000000 + work.number}</PMID><Article><Journal>"
        f"<Title>Wool</Title></Journal><ArticleTitle>{work.title}.</ArticleTitle><AuthorList><Author>"
        "<LastName>Peep</LastName></Author></AuthorList></Article></MedlineCitation>"
        "<PubmedData><History><PubMedPubDate PubStatus='entrez'>"
        f"<Year>{work.day.year}</Year><Month>{work.day.month}</Month><Day>{work.day.day}</Day></PubMedPubDate>"
        "</History></PubmedData></PubmedArticle>"
    )


def answer_crossref(service: Service, request: RecordedRequest) -> bytes:
    filters = dict(part.split(":", 1) for part in request.query["filter"].split(","))
    start = 0 if (cursor := request.query["cursor"]) == "*" else int(cursor)
    works = service.list_works(parse_day(filters["from-created-date"]))
    items = [
        {"DOI": f"10.5555/{work.number}", "title": [work.title], "author": [{"family": "Peep"}],
         "created": {"date-time": work.at.isoformat()}, "container-title": ["Wool"]}
        for work in works[start : start + 200]
    ]  # fmt: skip
    return dump({"status": "ok", "message": {"items": items, "next-cursor": str(start + 200)}})


def answer_openalex(service: Service, request: RecordedRequest) -> bytes:
    filters = dict(part.split(":", 1) for part in request.query["filter"].split(","))
    if "doi" in filters:
        return dump({"results": [], "meta": {"next_cursor": None}})
    works = service.list_works(parse_day(filters["from_publication_date"]))
    results = [
        {"doi": f"https://doi.org/10.5555/{work.number}", "title": work.title,
         "publication_date": str(work.day), "created_date": str(find_listing_day(work)), "cited_by_count": 0,
         "abstract_inverted_index": {"We": [0], "count.": [1]}}
        for work in works
    ]  # fmt: skip
    return dump({"results": results, "meta": {"next_cursor": None}})


def answer_openreview(service: Service, request: RecordedRequest) -> bytes:
    works = service.list_works(FIRST)
    works = sorted(works, key=find_listing_day, reverse=True)[int(request.query["offset"]) :][:1000]
    notes = [
        {"id": f"note{work.number:06d}", "cdate": work.at.timestamp() * 1000,
         "tmdate": datetime.combine(find_listing_day(work), time(1), UTC).timestamp() * 1000,
         "content": {"title": {"value": work.title}, "authors": {"value": ["Bo Peep"]}}}
        for work in works
    ]  # fmt: skip
    return dump({"notes": notes, "count": len(notes)})


def answer_feed(service: Service, request: RecordedRequest) -> bytes:
    """Return the feed of a journal that shows the last fortnight."""
    items = "".join(
        f"<item><title>{work.title}</title><link>https://doi.org/10.5555/{work.number}</link>"
        f"<description>We count.</description><pubDate>{work.at:%a, %d %b %Y %H:%M:%S} GMT</pubDate></item>"
        for work in service.list_works(service.day - timedelta(days=14))
    )
    return f"<rss version='2.0'><channel><title>Wool</title>{items}</channel></rss>".encode()


def answer_huggingface(service: Service, request: RecordedRequest) -> bytes:
    day = parse_day(request.query["date"])
    works = service.list_works(day, day) if request.query["p"] == "0" else []
    return dump(
        [
            {"paper": {"id": to_arxiv_number(work), "title": work.title, "summary": "We count.",
                       "authors": [{"name": "Bo Peep"}], "publishedAt": work.at.isoformat(),
                       "submittedOnDailyAt": work.at.isoformat(), "upvotes": 3}, "numComments": 2}
            for work in works
        ]
    )  # fmt: skip


def answer_hackernews(service: Service, request: RecordedRequest) -> bytes:
    """Return the stories that link to arXiv; or what arXiv's API says of the papers they link to."""
    query = request.query
    if request.path == "/api/query":
        numbers = [int(number.partition(".")[2]) for number in query["id_list"].split(",")]
        entries = "".join(
            f"<entry><id>http://arxiv.org/abs/{to_arxiv_number(work)}v1</id><title>{work.title}</title>"
            f"<published>{work.at:%Y-%m-%dT%H:%M:%SZ}</published><summary>We count.</summary>"
            "<author><name>Bo Peep</name></author><category term='cs.CL'/></entry>"
            for work in (WORKS[number - 1] for number in numbers)
        )
        return f"<feed xmlns='http://www.w3.org/2005/Atom'>{entries}</feed>".encode()
    since = int(query["numericFilters"].partition(">")[2])
    is_arxiv = query["query"] == "arxiv.org" and query["page"] == "0"
    works = [work for work in service.list_works(FIRST) if work.at.timestamp() > since] if is_arxiv else []
    hits = [
        {"objectID": str(work.number), "title": "Sheep", "points": 9, "num_comments": 1,
         "url": f"https://arxiv.org/abs/{to_arxiv_number(work)}", "created_at_i": int(work.at.timestamp())}
        for work in works
    ]  # fmt: skip
    return dump({"hits": hits, "nbHits": len(hits), "page": 0, "nbPages": 1})


def to_arxiv_number(work: Work) -> str:
    return f"2603.{work.number:05d}"


SOURCES: Mapping[str, tuple[Callable[[Service, RecordedRequest], bytes], Callable[[str], Source]]] = {
    "biorxiv": (answer_biorxiv, lambda url: Biorxiv(SourceConfig(biorxiv_url=url))),
    "medrxiv": (answer_biorxiv, lambda url: Biorxiv(SourceConfig(biorxiv_url=url), name="medrxiv")),
    "feeds": (answer_feed, lambda url: Feeds(SourceConfig(feeds=(f"{url}/feed",)))),
    "huggingface": (
        answer_huggingface,
        lambda url: HuggingFace(SourceConfig(huggingface_url=url, arxiv_api_url="")),
    ),
    "hackernews": (
        answer_hackernews,
        lambda url: HackerNews(SourceConfig(hackernews_url=url, arxiv_api_url=url)),
    ),
    "pubmed": (answer_pubmed, lambda url: PubMed(SourceConfig(pubmed_url=url, pubmed_query="sheep[majr]"))),
    "crossref": (
        answer_crossref,
        lambda url: Crossref(SourceConfig(crossref_url=url, journals=("0028-0836",))),
    ),
    "openalex": (
        answer_openalex,
        lambda url: OpenAlex(SourceConfig(openalex_url=url, journals=("0028-0836",))),
    ),
    "openreview": (
        answer_openreview,
        lambda url: OpenReview(SourceConfig(openreview_url=url, openreview_venues=("FLOCK.cc/2026",))),
    ),
}


class ServiceServer(ReplayServer):
    """A server that answers every path as its service does."""

    service: Service

    def _next_reply(self, request: RecordedRequest) -> Reply:
        return self.service.reply(request)


@pytest.mark.parametrize("name", SOURCES)
async def test_nothing_is_lost_and_nothing_comes_twice_in_a_month_of_faults(
    name: str, store: Database, fast_policy: ClientPolicy
) -> None:
    answer, build = SOURCES[name]
    by_day: dict[int, list[StoredResult]] = {}
    read_at = READ_AT[:1] if name in MANY_REQUESTS else READ_AT
    with ServiceServer() as server:
        server.service = Service(answer)
        async with Client(fast_policy, trusted_urls=(server.url,)) as client:
            for n, at in itertools.product(range(len(DAYS) + 1), read_at):
                server.service.day, server.service.fault = FIRST + timedelta(days=n), FAULTS.get(n, "")
                if server.service.fault != "absent":
                    now = datetime.combine(server.service.day, at, UTC)
                    results = await fetch_sources(
                        store, [build(server.url)], lambda: nullcontext(client), now
                    )
                    by_day.setdefault(n, []).extend(results)

    with store.begin(write=False) as tx:
        papers = {paper.title: paper for paper in tx.papers.list_background(10_000)}
        assert tx.papers.count() == len(WORKS)
    assert set(papers) == {work.title for work in WORKS}
    assert sum(entry.new for results in by_day.values() for entry in results) == len(WORKS)
    delays = Counter(
        (seen.date() - find_listing_day(work)).days
        for work in WORKS
        if (seen := papers[work.title].first_seen) is not None
    )
    assert max(delays) <= 2, "two days absent in a row; every other day is made up for by the next"
    assert delays[0] == PAPERS_A_DAY * (len(DAYS) - len(FAULTS)) + PAPERS_A_DAY, "and the late day's"
    for n, fault in FAULTS.items():
        if fault in UNREAD:
            assert all(entry.result.health not in {Health.OK, Health.EMPTY} for entry in by_day[n]), fault
            assert all(entry.result.note for entry in by_day[n]), fault

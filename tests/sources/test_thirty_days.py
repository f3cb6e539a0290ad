"""Test that no paper is lost or announced twice when days are dropped, cut, repeated, late or missed.

Thirty days of arXiv over real HTTP into a real database: genuine papers where they are beside the project,
and invented ones.
"""

import gzip
import itertools
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from digest.db import Database
from digest.models import Health
from digest.models.arxiv_calendar import is_announcement_day
from digest.pipeline.ingest import StoredResult, fetch_sources
from digest.sources.arxiv.source import Arxiv
from digest.sources.config import SourceConfig
from digest.sources.http.client import Client
from digest.sources.http.policy import ClientPolicy
from tests.replay_server import RecordedRequest, ReplayServer, Reply

REPLAY = Path(os.environ.get("DIGEST_REPLAY", Path(__file__).parents[3] / "shared" / "replay"))
FIRST = date(2026, 3, 2)
DAYS = [day for n in range(60) if is_announcement_day(day := FIRST + timedelta(days=n))][:30]
READ_AT = (time(6, 0), time(13, 0))  # UTC; the feeds change at midnight in New York
FAULTS = {
    3: "dropped", 5: "cut", 7: "repeated", 9: "late", 11: "empty", 13: "a web page", 15: "absent",
    16: "absent", 18: "dropped with oai", 20: "repeated with oai", 22: "cut with oai", 24: "absent",
    26: "short", 28: "absent",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class AnnouncedPaper:
    """A paper, and the day on which arXiv announced it."""

    number: str
    title: str
    abstract: str
    day: date

    def to_feed_item(self) -> str:
        return f"""<item><title>{escape(self.title)}</title><link>https://arxiv.org/abs/{self.number}</link>
            <description>arXiv:{self.number}v1 Announce Type: new
            Abstract: {escape(self.abstract)}</description>
            <guid isPermaLink="false">oai:arXiv.org:{self.number}v1</guid><category>cs.CL</category>
            <pubDate>{self.day:%a, %d %b %Y} 00:00:00 -0500</pubDate>
            <arxiv:announce_type>new</arxiv:announce_type><dc:creator>Ada Loveless</dc:creator></item>"""

    def to_oai_record(self) -> str:
        return f"""<record><header><identifier>oai:arXiv.org:{self.number}</identifier>
            <datestamp>{self.day}</datestamp></header><metadata><arXiv xmlns="http://arxiv.org/OAI/arXiv/">
            <id>{self.number}</id><created>{self.day - timedelta(days=2)}</created><authors><author>
            <keyname>Loveless</keyname><forenames>Ada</forenames></author></authors>
            <title>{escape(self.title)}</title><categories>cs.CL</categories>
            <abstract>{escape(self.abstract)}</abstract></arXiv></metadata></record>"""


def real_papers() -> Iterator[AnnouncedPaper]:
    """Yield real papers with the day on which they were first listed."""
    with gzip.open(REPLAY / "papers-2026-03-02-to-05-29.jsonl.gz", "rt") as lines:
        papers = {paper["id"]: paper for paper in map(json.loads, lines)}
    for number, paper in papers.items():
        yield AnnouncedPaper(number, paper["title"], paper["abstract"], date.fromisoformat(paper["featured"]))


def invented_papers() -> Iterator[AnnouncedPaper]:
    """Yield a dozen invented papers a day."""
    for day, n in itertools.product(DAYS, range(12)):
        number = f"{day:%y%m}.{day.day:02d}{n:03d}"
        yield AnnouncedPaper(number, f"Sheep {n} of {day}", f"We count sheep number {n} on {day}.", day)


@dataclass
class ArxivServer:
    """arXiv as it answers on one of the days, with the fault of that day."""

    by_day: Mapping[date, list[AnnouncedPaper]]
    day: date = FIRST
    hour: int = 6
    fault: str = ""
    skipped: set[str] = field(default_factory=set)

    def feed(self, _: RecordedRequest) -> Reply:
        shown = self.day
        if self.fault.startswith("repeated") or (self.fault == "late" and self.hour < 12):
            shown = DAYS[DAYS.index(self.day) - 1]
        items = "".join(paper.to_feed_item() for paper in self.by_day[shown])
        if self.fault == "empty":
            items = ""
        head = 'xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        body = (
            f'<rss {head} version="2.0"><channel><title>cs.CL updates</title>{items}</channel></rss>'.encode()
        )
        if self.fault.startswith("dropped"):
            return Reply(status=404)
        if self.fault == "a web page":
            return Reply(body=b"<!DOCTYPE html><html><head><title>Maintenance</title></head></html>")
        if self.fault.startswith("cut"):
            return Reply(body=body, cut_at=len(body) // 2)
        return Reply(body=body[: len(body) // 3] if self.fault == "short" else body)

    def harvest(self, request: RecordedRequest) -> Reply:
        """Reply with pages of twenty records; the token holds the position."""
        if self.fault.endswith("with oai"):
            return Reply(status=400)
        since, _, skip = request.query.get("resumptionToken", f"{request.query.get('from')}|0").partition("|")
        papers = [p for day in DAYS if since <= str(day) <= str(self.day) for p in self.by_day[day]]
        page, rest = papers[int(skip) : int(skip) + 20], papers[int(skip) + 20 :]
        token = f"<resumptionToken>{since}|{int(skip) + 20}</resumptionToken>" if rest else ""
        records = "".join(paper.to_oai_record() for paper in page)
        inside = f"<ListRecords>{records}{token}</ListRecords>" if page else '<error code="noRecordsMatch"/>'
        return Reply(
            body=f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">{inside}</OAI-PMH>'.encode()
        )


async def fetch_thirty_days(
    arxiv: ArxivServer, store: Database, server: ReplayServer, fast_policy: ClientPolicy
) -> list[StoredResult]:
    """Fetch twice a day for thirty announcement days, with the faults."""
    server.set_replies("/rss/cs.CL", arxiv.feed)
    server.set_replies("/oai", arxiv.harvest)
    source = Arxiv(
        SourceConfig(
            arxiv_categories=("cs.CL",),
            arxiv_rss_url=server.url,
            arxiv_oai_url=f"{server.url}/oai",
            arxiv_listing_url="",
        )
    )
    stored: list[StoredResult] = []
    for n, at in itertools.product(range(len(DAYS)), READ_AT):
        arxiv.day, arxiv.hour, arxiv.fault = DAYS[n], at.hour, FAULTS.get(n, "")
        if arxiv.fault != "absent":
            now = datetime.combine(arxiv.day, at, UTC)
            stored += await fetch_sources(
                store, [source], lambda: Client(fast_policy, trusted_urls=(server.url,)), now
            )
    return stored


@pytest.fixture(params=["invented", "genuine"])
def by_day(request: pytest.FixtureRequest) -> Mapping[date, list[AnnouncedPaper]]:
    """The papers that arXiv announces on each of the days."""
    if request.param == "genuine" and not REPLAY.is_dir():
        pytest.skip(f"no genuine papers at {REPLAY}; set DIGEST_REPLAY")
    days: dict[date, list[AnnouncedPaper]] = {day: [] for day in DAYS}
    for paper in real_papers() if request.param == "genuine" else invented_papers():
        days.get(paper.day, []).append(paper)
    return days


async def test_no_paper_is_lost_or_announced_twice_and_every_fault_is_noted(
    by_day: Mapping[date, list[AnnouncedPaper]],
    store: Database,
    server: ReplayServer,
    fast_policy: ClientPolicy,
) -> None:
    stored = await fetch_thirty_days(ArxivServer(by_day), store, server, fast_policy)

    announced = {f"arxiv:{paper.number}": paper.day for day in DAYS for paper in by_day[day]}
    with store.begin(write=False) as tx:
        papers = tx.papers.get_by_ids(list(announced))
    assert set(papers) == set(announced)
    assert sum(entry.new for entry in stored) == len(announced)
    days_late = Counter(
        DAYS.index(paper.first_seen.date()) - DAYS.index(announced[number])
        for number, paper in papers.items()
        if paper.first_seen is not None
    )
    assert max(days_late) <= 2  # two days absent in a row; every other fault is repaired the next day
    assert days_late[0] > 0.7 * len(announced)

    first_of_day = {entry.result.read_at.date(): entry.result for entry in reversed(stored)}
    for n, fault in FAULTS.items():
        if fault != "absent":
            result = first_of_day[DAYS[n]]
            assert result.note, fault
            assert (result.health is Health.OK) != fault.endswith("with oai"), fault
